import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const LEDGER = readFileSync(join(ROOT, 'docs/rfc9568-ledger.md'), 'utf8');
/** Rows whose second column is a requirement level. */
const ROW = /^\| *([0-9.]+) *\| *(MUST NOT|MUST|SHOULD NOT|SHOULD|RECOMMENDED) *\|(.*)\|(.*)\|$/;

interface Row {
  readonly section: string;
  readonly requirement: string;
  readonly answer: string;
}

const rows: Row[] = LEDGER.split('\n').flatMap((line) => {
  const match = ROW.exec(line);
  return match === null ? [] : [{ section: match[1], requirement: match[3].trim(), answer: match[4].trim() }];
});

/** Every test's name as it stands in the sources; `${...}` of a template stands for anything. */
function testNames(): RegExp[] {
  const names: RegExp[] = [];
  for (const part of ['src', 'sim', 'test']) {
    for (const file of readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts')) continue;
      const text = readFileSync(join(ROOT, part, file), 'utf8');
      for (const [, quote, name] of text.matchAll(/\btest\(\s*(['`])((?:\\.|(?!\1).)*)\1/g)) {
        const pattern = name
          .replaceAll(/\\(.)/g, '$1')
          .split(quote === '`' ? /\$\{[^}]*\}/ : /$^/)
          .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join('.*');
        names.push(new RegExp(`^${pattern}$`));
      }
    }
  }
  return names;
}

test('The ledger of RFC 9568 answers every row, and only with tests that exist', () => {
  const names = testNames();
  assert.ok(rows.length > 80, `${rows.length} rows`);
  for (const { section, requirement, answer } of rows) {
    const where = `${section}: ${requirement}`;
    assert.match(answer, /^\*\*(Tests|Deviation|Not applicable|Kernel)\*\*: /, where);
    const named = Array.from(answer.matchAll(/"([^"]+)"/g), ([, name]) => name);
    if (answer.startsWith('**Tests**')) assert.ok(named.length > 0, `${where} names no test`);
    for (const name of named) {
      assert.ok(
        names.some((pattern) => pattern.test(name)),
        `${where} names a test that does not exist: ${name}`,
      );
    }
  }
});

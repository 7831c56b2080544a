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

interface TestName {
  /** `${...}` of a template stands for anything, and is a group. */
  readonly pattern: RegExp;
  /** The file that it stands in. */
  readonly text: string;
}

function testNames(): TestName[] {
  const names: TestName[] = [];
  for (const part of ['src', 'sim', 'test']) {
    for (const file of readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts')) continue;
      const text = readFileSync(join(ROOT, part, file), 'utf8');
      for (const [, quote, name] of text.matchAll(/\btest\(\s*(['`])((?:\\.|(?!\1).)*)\1/g)) {
        const pattern = name
          .replaceAll(/\\(.)/g, '$1')
          .split(quote === '`' ? /\$\{[^}]*\}/ : /$^/)
          .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join('(.*)');
        names.push({ pattern: new RegExp(`^${pattern}$`), text });
      }
    }
  }
  return names;
}

/** A name made of a template exists only if its file has the words put in: nobody tests IPv5 because of `IPv${family}`. */
function isName(name: string, { pattern, text }: TestName): boolean {
  const match = pattern.exec(name);
  return match !== null && match.slice(1).every((words) => text.includes(words));
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
        names.some((each) => isName(name, each)),
        `${where} names a test that does not exist: ${name}`,
      );
    }
  }
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Rows whose second column is a requirement level. */
const ROW = /^\| *(?:RFC [0-9]+ )?([0-9.]+) *\| *(MUST NOT|MUST|SHOULD NOT|SHOULD|RECOMMENDED) *\|(.*)\|(.*)\|$/;
/** What the last column begins with, and how many rows a ledger has at least. */
const LEDGERS = [
  { file: 'docs/rfc9568-ledger.md', answer: /^\*\*(Tests|Deviation|Not applicable|Kernel)\*\*: /, rows: 80 },
  { file: 'docs/http2-ledger.md', answer: /^\*\*(Tests|Deviation|Not applicable|Pending)\*\*: /, rows: 100 },
];

interface Row {
  readonly section: string;
  readonly requirement: string;
  readonly answer: string;
}

function rowsOf(file: string): Row[] {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = ROW.exec(line);
      return match === null ? [] : [{ section: match[1], requirement: match[3].trim(), answer: match[4].trim() }];
    });
}

interface TestName {
  /** `${...}` of a template stands for anything, and is a group. */
  readonly pattern: RegExp;
  /** The file that it stands in. */
  readonly text: string;
}

/** Every test; one that is described is named by both: `frames are written as they are read`. */
function testNames(): TestName[] {
  const names: TestName[] = [];
  for (const part of ['src', 'sim', 'test']) {
    for (const file of readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.test.ts')) continue;
      const text = readFileSync(join(ROOT, part, file), 'utf8');
      let described = '';
      for (const [, kind, quote, name] of text.matchAll(/\b(test|it|describe)\(\s*(['"`])((?:\\.|(?!\2).)*)\2/g)) {
        if (kind === 'describe') described = `${name} `;
        const pattern = ((kind === 'it' ? described : '') + name)
          .replaceAll(/\\(.)/g, '$1')
          .split(quote === '`' ? /\$\{[^}]*\}/ : /$^/)
          .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join('(.*)');
        if (kind !== 'describe') names.push({ pattern: new RegExp(`^${pattern}$`), text });
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

const names = testNames();

for (const { answer: kinds, file, rows: least } of LEDGERS) {
  test(`${file} answers every row, and only with tests that exist`, () => {
    const rows = rowsOf(file);
    assert.ok(rows.length > least, `${rows.length} rows`);
    for (const { section, requirement, answer } of rows) {
      const where = `${section}: ${requirement}`;
      assert.match(answer, kinds, where);
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
}

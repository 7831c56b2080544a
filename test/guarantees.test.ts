/** docs/operations.md promises; each promise names its test. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('every test that docs/operations.md names is there', () => {
  const sources = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\|.*\*/.test(line));
  const names = rows.flatMap((row) => [...row.split('|')[3].matchAll(/\*([^*]+)\*/g)].map(([, name]) => name));
  assert.ok(names.length > 10);
  for (const name of names) {
    // A test that runs for several engines, signals or codes has them in its name by substitution.
    const pattern = name
      .replace(/[.()?+]/g, '\\$&')
      .replace(/SIGTERM|SIGINT/g, '(?:$&|\\$\\{signal\\})')
      .replace(/\b143\b/g, '(?:143|\\$\\{code\\})');
    assert.ok(
      sources.some((source) => new RegExp(`test\\(\\s*['"\`](?:\\[\\$\\{engine\\}\\] )?${pattern}['"\`]`).test(source)),
      `no test is named: ${name}`,
    );
  }
});

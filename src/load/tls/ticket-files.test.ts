import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { diagnose, formatDiagnostic } from '../../config/findings/diagnostic.ts';
import { readTickets, type TicketFiles } from './ticket-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tickets-'));
after(() => rmSync(folder, { recursive: true }));
for (const length of [16, 32, 48, 80]) writeFileSync(join(folder, String(length)), 'x'.repeat(length), { mode: 0o600 });
writeFileSync(join(folder, 'open'), 'x'.repeat(80), { mode: 0o644 });

function read(kind: TicketFiles['kind'], ...files: readonly string[]): { lengths: unknown; said: string } {
  const { source, problems } = readTickets({ kind, files: files.map((file) => join(folder, file)) });
  const said = problems.map((one) => formatDiagnostic(diagnose(one, { file: 'e', line: one.file, column: 1 })));
  return { lengths: source?.bytes.map(({ length }) => length) ?? null, said: said.join('\n').replaceAll(folder, '') };
}

test('secrets and keys', () => {
  assert.deepEqual(read('secrets', '32', '80'), { lengths: [32, 80], said: '' });
  assert.deepEqual(read('keys', '80', '48'), { lengths: [80, 48], said: '' });
  const { lengths, said } = read('keys', 'open');
  assert.deepEqual(lengths, [80]);
  assert.match(said, /everybody on this machine can read \/open.*mode 644/);
});

test('what cannot be used', () => {
  for (const [kind, file, saying] of [
    ['secrets', '16', /^e:1:1: .*it has 16 bytes, of at least 32; make one: openssl rand -out \/16 32/],
    ['keys', '32', /^e:1:1: .*it has 32 bytes, and a key has 80 or 48/],
    ['keys', 'gone', /^e:1:1: .*there is no such file/],
  ] as const) {
    const { lengths, said } = read(kind, '80', file);
    assert.equal(lengths, null);
    assert.match(said, saying);
  }
});

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatDiagnostic } from '../config/findings/diagnostic.ts';
import { loadYaml } from '../config/yaml/load.ts';
import { readKeyFiles, type ReadKeys } from './key-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-keys-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function read(path: string): ReadKeys {
  const text =
    'ha:\n' +
    ['a', 'b']
      .map(
        (name, i) =>
          `  ${name}: { interface: eth0, router-id: ${i + 1}, addresses: [ 192.0.2.${i + 1}/24 ], ` +
          `unicast: { peers: [ 192.0.2.9 ], key: ${path} } }\n`,
      )
      .join('');
  const { config, source, diagnostics } = loadYaml(text, { file: 'e.yaml' });
  assert.deepEqual(diagnostics, []);
  return readKeyFiles(config!, source);
}

function fileWith(text: string, mode: number): string {
  const path = join(folder, `key-${mode.toString(8)}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const SECRET = 'k'.repeat(32);

test('a key file is read once, however many routers name it', () => {
  for (const mode of [0o600, 0o640]) {
    const path = fileWith(`3 ${SECRET}\n`, mode);
    const { files, diagnostics } = read(path);
    assert.deepEqual(diagnostics, []);
    assert.deepEqual([...files], [[path, [{ id: 3, secret: '6b'.repeat(32) }]]]);
  }
});

test('a key file that everybody can read, or write, is not used', () => {
  for (const mode of [0o644, 0o602]) {
    const path = fileWith(`3 ${SECRET}\n`, mode);
    const { files, diagnostics } = read(path);
    assert.equal(files.size, 0);
    assert.deepEqual(diagnostics.map(formatDiagnostic), [
      `e.yaml:2:106: the key file ${path} cannot be used: everybody on this machine can use it ` +
        `(mode ${mode.toString(8)}); chmod 600 ${path} [key-file]`,
    ]);
  }
});

test('a key file that is missing, or says nothing, is told with how to make one, and its content is never shown', () => {
  const missing = read(join(folder, 'missing')).diagnostics;
  assert.match(missing[0].message, /there is no such file$/);
  assert.match(missing[0].remedy, /openssl rand -hex 32/);
  const wrong = read(fileWith(`${SECRET}\n`, 0o600)).diagnostics;
  assert.match(wrong[0].message, /line 1 is not an id and a secret$/);
  assert.doesNotMatch(formatDiagnostic(wrong[0]), /kkk/);
  assert.match(read(folder).diagnostics[0].message, /everybody on this machine|it is a directory/);
});

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatDiagnostic } from '../config/findings/diagnostic.ts';
import { identityFile, identityIn } from '../keeper/peers/identity.ts';
import { prepare } from './prepare.ts';

const SITE = 'listeners: { web: { bind: "127.0.0.1:80", routes: [ { respond: {} } ] } }\n';

test('a key of this node that everybody can read is warned of', (t) => {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'evenkeel-identity-'));
  t.after(() => rmSync(stateDirectory, { recursive: true }));
  const of = (rest: string): readonly string[] => {
    const options = { node: 'lb01', workers: 1, stateDirectory, look: () => [] };
    const { ready, diagnostics } = prepare([{ name: 'e.yaml', language: null, text: rest + SITE }], options);
    assert.ok(ready !== null);
    return diagnostics.map(formatDiagnostic);
  };
  const fingerprints = ['Q', 'R'].map((letter) => `sha256:${letter.repeat(42)}E`);
  const peers = `peers:\n${fingerprints.map((one, i) => `  lb0${i + 1}: { address: "192.0.2.${i + 1}:7946", fingerprint: "${one}" }\n`).join('')}`;
  assert.deepEqual(of(peers), [], 'there is none yet');
  identityIn(stateDirectory);
  assert.deepEqual(of(peers), []);
  chmodSync(identityFile(stateDirectory), 0o644);
  assert.match(
    of(peers).join('\n'),
    /^e\.yaml:1:1: warning: everybody .* \S+identity\.key \(mode 644\); chmod 600 .*\[open-private-key\]$/,
  );
  assert.deepEqual(of(''), [], 'nobody asks for it');

  // Whoever checks may not look at it.
  rmSync(join(stateDirectory, 'peers'), { recursive: true });
  writeFileSync(join(stateDirectory, 'peers'), '');
  assert.deepEqual(of(peers), []);
});

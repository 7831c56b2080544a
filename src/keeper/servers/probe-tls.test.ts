import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { NO_MATERIAL, type TlsMaterial } from '../../port/tls.ts';
import { ProbeContexts, tlsReason, wrapSocket } from './probe-tls.ts';

const PLAN = {
  credential: 'own',
  trust: null,
  versions: ['1.2'],
  ciphers: '',
  suites: '',
  groups: '',
} as unknown as ServersTlsPlan;

test('what OpenSSL does not take fails the check, and nothing else', () => {
  const contexts = new ProbeContexts();
  const noBytes = new Uint8Array(3);
  const credentials = [{ id: 'own', chain: [noBytes], key: noBytes, staple: null }];
  const reason = contexts.of(PLAN, { ...NO_MATERIAL, credentials });
  assert.equal(typeof reason, 'string');
  assert.notEqual(typeof contexts.of({ ...PLAN, credential: null }, NO_MATERIAL), 'string');
});

test('a check goes by depth and groups, as connections of proxies do', async (t) => {
  const maker = new CertificateMaker();
  t.after(() => maker.remove());
  const pem = (name: string): string => readFileSync(maker.path(`${name}.pem`), 'utf8');
  const der = (name: string): Uint8Array =>
    Uint8Array.from(Buffer.from(pem(name).replace(/-----.*-----/g, ''), 'base64'));
  maker.make('root', { names: [], isAuthority: true });
  maker.make('middle', { names: [], isAuthority: true, issuer: 'root' });
  maker.make('deep', { names: ['deep.test'], issuer: 'middle' });
  maker.make('flat', { names: ['flat.test'], issuer: 'root' });
  const trust = { id: 'trust', certificates: [der('root')], announced: 0, revocations: [] };
  const material: TlsMaterial = { ...NO_MATERIAL, authorities: [trust] };
  const reasonFor = async (name: string, own: Partial<ServersTlsPlan>): Promise<string | null> => {
    const cert = name === 'deep' ? pem('deep') + pem('middle') : pem('flat');
    const server = tls.createServer({ cert, key: readFileSync(maker.path(`${name}.key`)), ecdhCurve: 'P-384' });
    server.on('tlsClientError', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const plan = {
      ...PLAN,
      credential: null,
      trust: 'trust',
      versions: ['1.2', '1.3'],
      verifyDepth: -1,
      ...own,
    } as const;
    const context = new ProbeContexts().of(plan, material);
    assert.ok(typeof context !== 'string', name);
    const identity = { sentName: `${name}.test`, verifiedName: `${name}.test` };
    const probe = {
      context,
      identity,
      protocols: [],
      verifyDepth: plan.verifyDepth,
    };
    const socket = wrapSocket(net.connect((server.address() as AddressInfo).port, '127.0.0.1'), probe);
    const reason = await new Promise<string | null>((resolve) => {
      socket.once('secureConnect', () => resolve(null));
      socket.once('error', (error) => resolve(tlsReason(error, probe)));
    });
    socket.destroy();
    server.close();
    return reason;
  };
  const tooDeep = 'no TLS connection: its chain has more certificates than `verify-depth` allows';
  for (const [name, own, expected] of [
    ['deep', {}, null],
    ['deep', { verifyDepth: 1 }, null],
    ['deep', { verifyDepth: 0 }, tooDeep],
    ['flat', { verifyDepth: 0 }, null],
    ['flat', { groups: 'no-such-group:P-384' }, null],
  ] as const) {
    assert.equal(await reasonFor(name, own), expected, JSON.stringify([name, own]));
  }
  assert.match((await reasonFor('flat', { groups: 'X25519' })) ?? '', /it refuses the handshake/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PeersPlan } from '../../config/plan/peers.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import { freePort } from '../../io/contract/free-port.ts';
import { testLog } from '../ha/testing/test-log.ts';
import { type Identity, identityIn } from './identity.ts';
import { PeersKeeper } from './peers-keeper.ts';
import { CertificateSharing } from './sharing.ts';

/** More than may wait for a peer at a time. */
const HELD = Array.from({ length: 300 }, (_, i) => ({ file: `shop-${i}.pem`, pem: 'x'.repeat(8_000) }));

function identityOf(t: TestContext): Identity {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-peers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return identityIn(folder);
}

function createPeers(
  t: TestContext,
  identity: Identity,
  handlers: Pick<ConstructorParameters<typeof PeersKeeper>[0], 'onChange' | 'onMessage'>,
): PeersKeeper {
  const peers = new PeersKeeper({
    identity: () => identity,
    version: '1',
    log: testLog(),
    random: () => 0,
    ...handlers,
  });
  t.after(() => peers.stop());
  return peers;
}

test('a peer gets all certificates, also if they are more than may wait for it', async (t) => {
  const [a, b] = [identityOf(t), identityOf(t)];
  const port = await freePort();
  const place = { host: '127.0.0.1', port };
  const planOf = (node: string, name: string, { fingerprint }: Identity): PeersPlan => ({
    node,
    ...place,
    peers: [{ name, fingerprint, ...place }],
  });

  // A link keeps no process alive.
  const awake = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(awake));
  const changes: boolean[] = [];
  const sender = createPeers(t, a, {
    onChange: (peer, isUp) => {
      changes.push(isUp);
      sharing.handleChange(peer, isUp);
    },
    onMessage: () => undefined,
  });
  const sharing = new CertificateSharing({
    peers: sender,
    acme: { heldFiles: () => HELD, takeOver: () => undefined, reconsider: () => undefined },
    publish: () => Promise.resolve(),
    ticketSecret: () => new Uint8Array(32),
    heard: {},
    useTicketSecrets: () => undefined,
    log: testLog(),
  });
  const files: string[] = [];
  const whole = new Promise<void>((resolve) => {
    const onMessage = (_: string, message: PeerMessage): void => {
      if (message.type === 'certificate') files.push(message.file);
      if (files.length === HELD.length) resolve();
    };
    createPeers(t, b, { onChange: () => undefined, onMessage }).apply(planOf('b', 'a', a));
  });
  sender.apply(planOf('a', 'b', b));
  await whole;
  assert.deepEqual(
    files,
    HELD.map(({ file }) => file),
  );
  assert.deepEqual(changes, [true]);
});

/** Nodes on this machine that are peers of each other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import tls from 'node:tls';
import type { LinkView } from '../src/api/status.ts';
import { frameOf } from '../src/core/peers/messages.ts';
import { type Identity, identityIn } from '../src/keeper/peers/identity.ts';
import { ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { status } from './upgrading.ts';
import { until } from './waiting.ts';

export interface Node {
  readonly name: string;
  readonly state: string;
  readonly port: number;
  readonly identity: Identity;
}

export async function makeNode(t: TestContext, name: string): Promise<Node> {
  const state = mkdtempSync(join(tmpdir(), 'evenkeel-peer-'));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  return { name, state, port: await freePort(), identity: identityIn(state) };
}

function peersOf(nodes: readonly Node[]): string {
  const lines = nodes.map(({ name, port, identity: { fingerprint } }) => {
    return `  ${name}: { address: "127.0.0.1:${port}", fingerprint: "${fingerprint}" }\n`;
  });
  return `peers:\n${lines.join('')}`;
}

/** `rest`: besides the peers. It runs in its state directory. */
export async function startNode(
  t: TestContext,
  node: Node,
  all: readonly Node[],
  rest?: string,
  more: NodeJS.ProcessEnv = {},
): Promise<Evenkeel> {
  const own = rest ?? `listeners: { web: { bind: "127.0.0.1:${await freePort()}", routes: [ { respond: {} } ] } }\n`;
  const options = {
    engine: ENGINES[0],
    workers: 1,
    hasSocket: true,
    through: ['env', '-C', node.state],
    env: { STATE_DIRECTORY: node.state, ...more },
  } as const;
  return Evenkeel.start(t, `node: ${node.name}\n${peersOf(all)}${own}`, options);
}

export async function linkOf(evenkeel: Evenkeel): Promise<LinkView> {
  return (await status(evenkeel)).peers!.peers[0];
}

/** Waits until its link is so. */
export async function linkIs(evenkeel: Evenkeel, isSo: (link: LinkView) => boolean): Promise<void> {
  let link: LinkView | null = null;
  await until(
    async () => isSo((link = await linkOf(evenkeel))),
    () => `its link is not so: ${JSON.stringify(link)}\n${evenkeel.stderr}`,
  );
}

export function isLinked(evenkeel: Evenkeel): Promise<void> {
  return linkIs(evenkeel, ({ isUp }) => isUp);
}

/** Somebody with this key, at the port of a node. */
export function connect(t: TestContext, port: number, { key, certificate: cert }: Identity): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', key, cert, rejectUnauthorized: false }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
    t.after(() => socket.destroy());
  });
}

export function frame(message: object): Uint8Array {
  return frameOf(Buffer.from(JSON.stringify(message)));
}

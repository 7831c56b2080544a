/** Connections over TCP that are open while two of three balancers leave, one after the other: which of them go on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostProcess, killAtOnce, processesIn } from '../../src/lab/processes.ts';
import { program } from '../evenkeel.ts';
import { run } from '../peers.ts';
import { until } from '../waiting.ts';
import { ADDRESS, ANNOUNCED, Fleet, LEAVING } from './lab.ts';

/** How a node forwards: its proxies do, or its kernel. */
export const WAYS = ['proxies', 'dsr'] as const;
export type Way = (typeof WAYS)[number];

export interface FlowsResult {
  readonly way: Way;
  readonly opened: number;
  /** Of those, so many are gone when the first node has been drained, and when the second one has been killed. */
  readonly lostByDrain: number;
  readonly lostByKill: number;
}

const NODES = ['lb01', 'lb02', 'lb03'];
const SERVERS = { srv1: '10.9.0.101', srv2: '10.9.0.102' } as const;
const FLOWS = 300;

const SERVER = `require('net').createServer((socket) => {
  socket.on('data', (data) => socket.write(data)).on('error', () => undefined);
}).listen(80)`;
/** Says a word on each connection when it is told to, and three seconds later how many were answered. */
const CLIENT_PROGRAM = `
const sockets = Array.from({ length: ${FLOWS} }, () => {
  const socket = require('net').connect(80, '${ADDRESS}');
  return socket.on('data', () => { socket.isAnswered = true; }).on('error', () => undefined);
});
process.on('message', () => {
  for (const socket of sockets) { socket.isAnswered = false; socket.write('word'); }
  setTimeout(() => process.send(sockets.filter(({ isAnswered }) => isAnswered).length), 3000);
});
process.on('disconnect', () => process.exit());
`;

export async function countFlows(way: Way): Promise<FlowsResult> {
  const fleet = await Fleet.create({ nodes: NODES, hasBfd: true });
  try {
    return await countIn(fleet, way);
  } finally {
    await fleet.remove();
  }
}

async function countIn(fleet: Fleet, way: Way): Promise<FlowsResult> {
  const { network } = fleet;
  await network.addHosts(
    Object.fromEntries(Object.entries(SERVERS).map(([host, address]) => [host, [`${address}/24`]])),
  );
  for (const host of Object.keys(SERVERS)) {
    await network.ip(host, ['route', 'add', 'default', 'via', '10.9.0.254']);
    const silent = ['net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2'];
    await run('ip', ['netns', 'exec', network.namespace(host), 'sysctl', '-qw', ...silent]);
    await network.ip(host, ['address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
    void new HostProcess(network.namespace(host), [process.execPath, '-e', SERVER]);
  }
  for (const node of NODES) await startNode(fleet, node, way);
  await fleet.hasWays(...NODES);
  const client = new HostProcess(network.namespace('client'), [process.execPath, '-e', CLIENT_PROGRAM], {
    hasChannel: true,
  });
  const answered = (): Promise<number> =>
    new Promise((resolve) => {
      client.child.once('message', (count) => resolve(count as number));
      client.child.send('say');
    });
  const opened = await answered();
  const drain = [process.execPath, program, 'node', 'drain', '--socket', socketOf(fleet, 'lb01')];
  await new HostProcess(network.namespace('lb01'), drain).exit;
  await fleet.hasWays('lb02', 'lb03');
  const afterDrain = await answered();
  const bird = fleet.birdOf('lb02').pid;
  killAtOnce(processesIn(network.namespace('lb02')).filter((pid) => pid !== bird));
  await fleet.hasWays('lb03');
  const afterKill = await answered();
  return { way, opened, lostByDrain: opened - afterDrain, lostByKill: afterDrain - afterKill };
}

async function startNode(fleet: Fleet, node: string, way: Way): Promise<void> {
  const { network } = fleet;
  await run('ip', ['netns', 'exec', network.namespace(node), 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  const directory = join(network.directory, node);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'evenkeel.yaml');
  const kernel = way === 'proxies' ? '' : `mode: kernel, forward: ${way}, `;
  const servers = Object.values(SERVERS).map((address) => `"${address}:80"`);
  writeFileSync(
    file,
    `
listeners: { web: { bind: "${ADDRESS}:80", protocol: tcp, ${kernel}upstream: web } }
upstreams: { web: { servers: [${servers.join(', ')}] } }
announce:
  web:
    addresses: [${ADDRESS}]
    interface: ${ANNOUNCED}
    graceful: { interface: ${LEAVING}, for: 2s }
    bird: ${fleet.birdSocket(node)}
`,
  );
  const args = ['run', file, '--workers', '1', '--socket', socketOf(fleet, node)];
  const started = new HostProcess(network.namespace(node), [process.execPath, program, ...args], {
    env: { RUNTIME_DIRECTORY: directory, STATE_DIRECTORY: directory },
  });
  await until(
    () => started.output.includes(' ready: '),
    () => started.output,
  );
}

function socketOf(fleet: Fleet, node: string): string {
  return join(fleet.network.directory, `${node}.sock`);
}

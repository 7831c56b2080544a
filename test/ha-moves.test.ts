/**
 * The address moves because somebody wants it to: by a hand-over, by the return of the better node, by a clean stop. Nobody
 * who connects meanwhile may notice. The servers take their time, so that at every move many connections have begun and are
 * not answered, which is what a move breaks that is not careful.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../src/lab/client.ts';
import { DEFAULT_HA, EvenkeelNode } from '../src/lab/evenkeel-node.ts';
import { Pair, VIRTUAL_ADDRESS, VIRTUAL_ADDRESS_6, WEB_SERVERS } from '../src/lab/pair.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { program } from './evenkeel.ts';

const lab = { skip: refusalOfLab() ?? false, timeout: 300_000 };

const SERVER_PORT = 8080;
const SLOW_SERVER = `
  const answer = (request, response) => setTimeout(() => response.end('late'), 40);
  require('node:http').createServer(answer).listen(${SERVER_PORT}, () => console.log('listens'));
`;

/** Nothing is judged by how long it took: a lost SYN is seen in the kernel's counters, and not by its delay. */
const PATIENCE_MS = 10_000;
/** Until nothing is left to do of a move. */
const REST_MS = 800;

/** Each family and each kind of MAC; continuous integration plays all pairs of them. */
const SOME = [
  ["IPv4, the interface's own MAC", 4, false],
  ['IPv6, the virtual MAC', 6, true],
] as const;
const REST = [
  ['IPv4, the virtual MAC', 4, true],
  ["IPv6, the interface's own MAC", 6, false],
] as const;

for (const [name, family, hasVirtualMac] of process.env.EVENKEEL_ALL_FILES === '1' ? [...SOME, ...REST] : SOME) {
  test(
    `${name}: no connection fails when the address is handed over, taken back, and given up by a stop`,
    lab,
    async (t) => {
      const command = [process.execPath, program];
      const pair = await Pair.create(command);
      t.after(() => pair.remove());
      await Promise.all(WEB_SERVERS.map((host) => startSlowServer(pair, host)));
      const ha = { ...DEFAULT_HA, intervalMs: 500, family, hasVirtualMac, serverPort: SERVER_PORT };
      const lb01 = new EvenkeelNode(pair, 'lb01', command);
      const lb02 = new EvenkeelNode(pair, 'lb02', command);
      await Promise.all([lb01.start(ha), lb02.start(ha)]);
      await becomes(lb01, 'active');
      await becomes(lb02, 'backup');

      const address = family === 4 ? VIRTUAL_ADDRESS : VIRTUAL_ADDRESS_6;
      const clients = [5, 5].map((intervalMs) => pair.startClient(intervalMs, address, PATIENCE_MS));
      await served(clients);
      for (const client of clients) client.restart();
      const before = await synRetransmissions(pair);

      const moves: readonly (readonly [string, () => Promise<void>, EvenkeelNode])[] = [
        ['handed over', () => lb01.handOver(), lb02],
        ['handed back', () => lb02.handOver(), lb01],
        ['handed over again', () => lb01.handOver(), lb02],
        ['taken back by the better one', () => lb01.resume(), lb01],
        ['given up by a clean stop', () => lb01.stop(), lb02],
      ];
      for (const [word, move, to] of moves) {
        await move();
        await becomes(to, 'active');
        await served(clients);
        for (const { outages } of clients) assert.deepEqual(outages.all, [], word);
      }
      assert.equal((await synRetransmissions(pair)) - before, 0);
      await Promise.all(clients.map((client) => client.stop()));
    },
  );
}

async function startSlowServer(pair: Pair, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = pair.run(host, [process.execPath, '-e', SLOW_SERVER], { onLine: () => resolve() });
    void server.exit.then(() => reject(new Error(server.output)));
  });
}

async function becomes(node: EvenkeelNode, state: string): Promise<void> {
  while ((await node.status())?.state !== state) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function served(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.served(REST_MS)));
}

/** Of the client's kernel, since it began. */
async function synRetransmissions(pair: Pair): Promise<number> {
  const cat = pair.run('client', ['cat', '/proc/net/netstat']);
  await new Promise((resolve) => cat.child.on('close', resolve));
  const [names, values] = cat.output.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const count = Number(values.split(' ')[names.split(' ').indexOf('TCPSynRetrans')]);
  assert.ok(Number.isInteger(count), cat.output);
  return count;
}

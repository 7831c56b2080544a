/** Many plain connections: a server that says who it is and who has come, and a client that holds what it has opened. */
import assert from 'node:assert/strict';
import type { Host } from '../vip/virtual-node.ts';
import { until } from '../waiting.ts';
import { Script } from './script.ts';

export const ECHO_PORT = 7000;

/**
 * Echoes lines, and says `push` when it is told so. `refuse`: from now on it takes nobody new, and keeps who is there; `accept`: it does
 * again. Its second argument: it refuses from the beginning.
 */
const SERVER = `
const [, name, refuses] = process.argv;
const net = require('node:net');
const sockets = new Set();
let server = null;
const accept = () => {
  server = net.createServer((socket) => {
    sockets.add(socket.setNoDelay());
    socket.write(name + ' ' + socket.remoteAddress.replace('::ffff:', '') + '\\n');
    socket.on('data', (data) => socket.write(data)).on('error', () => undefined).on('close', () => sockets.delete(socket));
  }).listen({ port: ${ECHO_PORT}, host: '::', backlog: 2000 }, () => console.log('listening'));
};
for (const type of ['udp4', 'udp6']) {
  const datagrams = require('node:dgram').createSocket({ type, ipv6Only: type === 'udp6' });
  datagrams.on('message', (_, { address, port }) => datagrams.send(name, port, address)).bind(${ECHO_PORT});
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'push') for (const socket of sockets) socket.write('push\\n');
  if (line === 'refuse') server.close();
  if (line === 'accept') accept();
});
if (refuses === undefined) accept();
else console.log('refusing');
`;

/** By lines on its stdin: `open HOST COUNT`, `say TEXT` on all connections, `udp HOST`; tells what comes of it. */
const CLIENT = `
const net = require('node:net');
const sockets = [];
const udp = { 4: require('node:dgram').createSocket('udp4'), 6: require('node:dgram').createSocket('udp6') };
for (const one of Object.values(udp)) one.on('message', (data) => console.log('datagram ' + data)).bind(0);
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, first, count] = line.split(' ');
  if (what === 'udp') udp[net.isIP(first)].send('x', ${ECHO_PORT}, first);
  if (what === 'say') for (const { socket } of sockets) socket.write(first + '\\n');
  for (let i = 0; what === 'open' && i < Number(count); i++) {
    const id = sockets.length;
    const socket = net.connect(${ECHO_PORT}, first).setNoDelay();
    sockets.push({ socket });
    require('node:readline').createInterface({ input: socket }).on('error', () => undefined).on('line', (text) => console.log(id + ' ' + text));
    socket.on('error', ({ code }) => console.log(id + ' error ' + code)).on('close', () => console.log(id + ' closed'));
  }
});
console.log('started');
`;

export class EchoServer extends Script {
  readonly name: string;

  constructor(host: Host, name: string, isRefusing = false) {
    super(host, process.execPath, '-e', SERVER, name, ...(isRefusing ? ['refusing'] : []));
    this.name = name;
  }
}

export class EchoClient extends Script {
  private opened = 0;
  private said = 0;
  /** By connection: the server that it came to. */
  readonly servers: string[] = [];

  constructor(host: Host) {
    super(host, process.execPath, '-e', CLIENT);
  }

  /** The servers that they came to. */
  async open(address: string, count: number, from: string): Promise<readonly string[]> {
    const first = this.opened;
    this.opened += count;
    this.tell(`open ${address} ${count}`);
    const greetings = (lines: readonly string[]): string[][] =>
      lines.map((line) => line.split(' ')).filter(([id, who]) => Number(id) >= first && who.startsWith('server-'));
    await this.until((lines) => greetings(lines).length === count, 'not all were greeted');
    for (const [id, who, seen] of greetings(this.lines)) {
      assert.equal(seen, from);
      this.servers[Number(id)] = who;
    }
    return this.servers.slice(first);
  }

  /** Every connection that is `alive` has its echo. */
  async allAnswer(alive: number): Promise<void> {
    await this.hear(this.say(), alive);
  }

  /** On every connection; what is said. */
  say(): string {
    const text = `word-${this.said++}`;
    this.tell(`say ${text}`);
    return text;
  }

  async hear(text: string, count: number): Promise<void> {
    await this.until(
      (lines) => lines.filter((line) => line.endsWith(` ${text}`)).length === count,
      `not ${count} ${text}`,
    );
  }

  get losses(): readonly string[] {
    return this.lines.filter((line) => / (?:error|closed)/.test(line));
  }

  /** Datagrams are lost as they may be: the server that answers at last. */
  async datagram(address: string, isIt: (server: string) => boolean): Promise<void> {
    const from = this.lines.length;
    await until(
      () => {
        this.tell(`udp ${address}`);
        return this.lines.slice(from).some((line) => line.startsWith('datagram ') && isIt(line.slice(9)));
      },
      () => this.lines.slice(from).join('\n'),
      100,
    );
  }
}

/**
 * Access logs of sessions: each connection of TCP, and each session of UDP, has one line, whatever became of it, and the line says what
 * that was.
 */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Engine, engineSkip, ENGINES, Evenkeel, freePort, reset, startTcpBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { Scrape } from './scrape.ts';
import { startUdpServer } from './udp-peers.ts';
import { until } from './waiting.ts';

interface Line {
  readonly listener: string;
  readonly transport: string;
  readonly client: string;
  readonly status: number;
  readonly reason: string;
  readonly endedBy: string;
  readonly phase: string;
  readonly duration: number;
  readonly received: number;
  readonly sent: number;
  readonly tries: number;
  readonly server: string;
  readonly serverFirstByte: string;
}

function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** The line about this client. */
async function lineOf(file: string, host: string): Promise<Line> {
  const found = (): Line | undefined => linesOf(file).find(({ client }) => client === host);
  await until(
    () => found() !== undefined,
    () => `a line about ${host} in\n${readFileSync(file, 'utf8')}`,
  );
  return found()!;
}

let hosts = 0;

/** An address of a client that nobody has had: a line is about who has it. */
function nextHost(): string {
  return `127.0.1.${++hosts}`;
}

/** A connection that may be reset at any time. */
class Client {
  readonly host = nextHost();
  readonly socket: net.Socket;
  heard = '';

  constructor(t: TestContext, port: number) {
    this.socket = net.connect({ host: '127.0.0.1', port, localAddress: this.host });
    this.socket.on('data', (data: Buffer) => (this.heard += data.toString('latin1')));
    this.socket.on('error', () => undefined);
    t.after(() => this.socket.destroy());
  }

  /** Says this, and has heard something since. */
  async ask(text: string): Promise<void> {
    this.heard = '';
    this.socket.write(text);
    await until(() => this.heard !== '');
  }
}

function told({ status, reason, endedBy, phase, received, sent, tries }: Line): string {
  return `${status} ${reason} by ${endedBy} in ${phase}, ${received} ${sent}, ${tries}`;
}

/** What passes in bulk is not seen piece by piece. */
const BULK_BYTES = 5_000_000;

/** A server of TCP that does what its client's first bytes say. */
function misbehave(socket: net.Socket): void {
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.once('data', (data: Buffer) => {
    const said = data.toString('latin1');
    if (said.startsWith('bye')) socket.end('good bye');
    else if (said.startsWith('bulk')) socket.end(Buffer.alloc(BULK_BYTES, 'x'));
    else if (said.startsWith('reset')) reset(socket);
    else socket.write('hm');
  });
}

for (const engine of ENGINES) {
  test(`[${engine}] whatever becomes of a session of TCP, it has one line that says so`, engineSkip(engine), (t) =>
    tcpCampaign(t, engine),
  );

  test(`[${engine}] whatever becomes of a session of UDP, it has one line that says so`, engineSkip(engine), (t) =>
    udpCampaign(t, engine),
  );

  test(`[${engine}] which sessions are in a log, and in which form`, engineSkip(engine), async (t) => {
    const folder = temporaryDirectory(t);
    const server = await startTcpBackend(t, misbehave);
    const nobody = `127.0.0.1:${await freePort()}`;
    const [port, other] = [await freePort(), await freePort()];
    const yaml = `
access-logs:
  own:
    file: "${folder}/own"
    format: '{transport} {client} {local-port} {upstream} {server} {status} {server-bytes-sent}/{server-bytes-received} {value:kind}'
  errors: { file: "${folder}/errors", format: '{listener}', when: "0", errors: true }
values: { kind: { map: "{status}", exact: { "200": good }, otherwise: bad } }
listeners:
  db: { bind: "127.0.0.1:${port}", protocol: tcp, upstream: db, access-log: [own, errors] }
  down: { bind: "127.0.0.1:${other}", protocol: tcp, upstream: down, access-log: [own, errors] }
upstreams:
  db: { servers: [ { address: "${nobody}", weight: 100 }, "${server.address}" ] }
  down: { servers: [ { address: "${nobody}", state: disabled } ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const first = new Client(t, port);
    first.socket.end('bye');
    await until(() => first.socket.closed);
    const second = new Client(t, other);
    await until(() => second.socket.closed);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    assert.deepEqual(readFileSync(`${folder}/own`, 'utf8').split('\n'), [
      `TCP ${first.host} ${port} db ${nobody}, ${server.address} 200 0, 3/0, 8 good`,
      `TCP ${second.host} ${other} down down 502 0/0 bad`,
      '',
    ]);
    assert.equal(readFileSync(`${folder}/errors`, 'utf8'), 'down\n');
  });
}

async function tcpCampaign(t: TestContext, engine: Engine): Promise<void> {
  const file = join(temporaryDirectory(t), 'access.log');
  const server = await startTcpBackend(t, misbehave);
  const nobody = `127.0.0.1:${await freePort()}`;
  const ports: number[] = [];
  for (let i = 0; i < 8; i++) ports.push(await freePort());
  const [plain, patient, quick, down, one, denied, answering, admin] = ports;
  const yaml = (listeners: string): string => `
grace: 300ms
drain: 200ms
admin: { bind: "127.0.0.1:${admin}" }
access-logs: { main: { file: "${file}" } }
listeners:
  plain: { bind: "127.0.0.1:${plain}", protocol: tcp, upstream: plain, access-log: main }
${listeners}
upstreams:
  plain: { servers: [ "${server.address}" ] }
  quick: { servers: [ "${server.address}" ], timeouts: { idle: 300ms } }
  down: { servers: [ "${nobody}" ] }
  one: { servers: [ { address: "${server.address}", max-connections: 1 } ], timeouts: { queue: 300ms } }
`;
  const others = `
  patient: { bind: "127.0.0.1:${patient}", protocol: tcp, upstream: plain, access-log: main }
  quick: { bind: "127.0.0.1:${quick}", protocol: tcp, upstream: quick, access-log: main }
  down: { bind: "127.0.0.1:${down}", protocol: tcp, upstream: down, access-log: main }
  one: { bind: "127.0.0.1:${one}", protocol: tcp, upstream: one, access-log: main }
  denied: { bind: "127.0.0.1:${denied}", protocol: tcp, upstream: plain, access-log: main, access: { networks: { 127.0.0.0/8: deny } } }
  told: { bind: "127.0.0.1:${answering}", protocol: tcp, respond: "go away", access-log: main }
`;
  const evenkeel = await Evenkeel.start(t, yaml(others), { engine, workers: 1 });
  const expected = new Map<string, string>();
  const open = (port: number, wanted: string): Client => {
    const client = new Client(t, port);
    expected.set(client.host, wanted);
    return client;
  };
  const settled = (client: Client): Promise<Line> => lineOf(file, client.host);

  const bye = open(plain, '200 served by nobody in done, 3 8, 1');
  bye.socket.end('bye');
  const line = await settled(bye);
  assert.equal(line.transport, 'TCP');
  assert.equal(line.listener, 'plain');
  assert.equal(line.server, server.address);
  assert.match(line.serverFirstByte, /^\d+\.\d{3}$/);

  const bulk = open(plain, `200 served by nobody in done, 4 ${BULK_BYTES}, 1`);
  bulk.socket.end('bulk');
  await settled(bulk);
  const broken = open(plain, '200 server-left by server in response, 5 0, 1');
  broken.socket.write('reset');
  await settled(broken);
  const left = open(plain, '200 client-left by client in response, 2 2, 1');
  await left.ask('hm');
  reset(left.socket);
  await settled(left);
  const silent = open(quick, '200 silence by evenkeel in response, 2 2, 1');
  await silent.ask('hm');
  await settled(silent);
  await settled(open(down, '502 connect-failed by server in connect, 0 0, 1'));
  await settled(open(denied, '403 denied by evenkeel in request, 0 0, 0'));
  await settled(open(answering, '200 answered by nobody in done, 0 7, 0'));

  // one has the place, another one waits in vain
  const first = open(one, '200 served by nobody in done, 2 2, 1');
  await first.ask('hm');
  await settled(open(one, '503 queue-timeout by evenkeel in queue, 0 0, 0'));
  first.socket.end();
  await settled(first);

  assertCounted(await Scrape.of(admin), linesOf(file), ({ server }) => server !== '');
  assert.equal((await Scrape.of(admin)).sum('evenkeel_upstream_queue_seconds_count', { upstream: 'one' }), 1);

  // a reload takes its listener away
  const retired = open(patient, '200 retired by evenkeel in response, 2 2, 1');
  await retired.ask('hm');
  writeFileSync(evenkeel.file, yaml(''));
  evenkeel.signal('SIGHUP');
  await evenkeel.said(/reload by SIGHUP: /);
  await settled(retired);

  // what is left when `grace` is over
  await open(plain, '200 retired by evenkeel in response, 2 2, 1').ask('hm');
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);

  const lines = linesOf(file);
  for (const [host, wanted] of expected) {
    const about = lines.filter(({ client }) => client === host);
    assert.equal(about.length, 1, `${host} (${wanted}): ${about.length} lines`);
    assert.equal(told(about[0]), wanted);
  }
  assert.equal(lines.length, expected.size);
}

async function udpCampaign(t: TestContext, engine: Engine): Promise<void> {
  const file = join(temporaryDirectory(t), 'access.log');
  const echo = await startUdpServer(t);
  const silent = await startUdpServer(t, () => []);
  const ports: number[] = [];
  for (let i = 0; i < 7; i++) ports.push(await freePort());
  const [plain, single, waiting, down, denied, lasting, admin] = ports;
  const yaml = `
grace: 300ms
admin: { bind: "127.0.0.1:${admin}" }
access-logs: { main: { file: "${file}" } }
listeners:
  lasting: { bind: "127.0.0.1:${lasting}", protocol: udp, upstream: plain, access-log: main, udp: { idle: 1h } }
  plain: { bind: "127.0.0.1:${plain}", protocol: udp, upstream: plain, access-log: main, udp: { idle: 1s } }
  single: { bind: "127.0.0.1:${single}", protocol: udp, upstream: plain, access-log: main, udp: { requests: 1, responses: 1 } }
  waiting: { bind: "127.0.0.1:${waiting}", protocol: udp, upstream: waiting, access-log: main, udp: { responses: 1, idle: 300ms } }
  down: { bind: "127.0.0.1:${down}", protocol: udp, upstream: down, access-log: main }
  denied: { bind: "127.0.0.1:${denied}", protocol: udp, upstream: plain, access-log: main, access: { networks: { 127.0.0.0/8: deny } } }
upstreams:
  plain: { servers: [ "127.0.0.1:${echo.port}" ] }
  waiting: { servers: [ "127.0.0.1:${silent.port}" ] }
  down: { servers: [ { address: "127.0.0.1:${silent.port}", state: disabled } ] }
`;
  const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
  let count = 0;
  const open = async (port: number): Promise<{ host: string; socket: dgram.Socket }> => {
    const host = nextHost();
    const socket = dgram.createSocket('udp4').bind(0, host);
    t.after(() => socket.close());
    await once(socket, 'listening');
    socket.send('hello', port, '127.0.0.1');
    count++;
    return { host, socket };
  };
  const send = async (port: number, listener: string, wanted: string): Promise<void> => {
    const { host } = await open(port);
    const line = await lineOf(file, host);
    assert.equal(line.listener, listener);
    assert.equal(line.transport, 'UDP');
    assert.equal(told(line), wanted, listener);
  };
  await send(plain, 'plain', '200 served by nobody in done, 5 5, 1');
  await send(single, 'single', '200 served by nobody in done, 5 5, 1');
  await send(waiting, 'waiting', '502 udp-unanswered by server in response, 5 0, 1');
  await send(down, 'down', '502 udp-no-server by evenkeel in connect, 0 0, 1');
  await send(denied, 'denied', '403 udp-denied by evenkeel in request, 0 0, 0');
  // a datagram that is dropped begins no session
  const sessions = linesOf(file).filter(({ received }) => received > 0);
  assertCounted(await Scrape.of(admin), sessions, () => false);
  // what is left when `grace` is over
  const { host, socket } = await open(lasting);
  await once(socket, 'message');
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
  assert.equal(told(await lineOf(file, host)), '200 retired by evenkeel in response, 5 5, 1');
  assert.equal(linesOf(file).length, count);
}

/** Metrics are the sum of the lines: in bytes, by reason, and of those whose connection to a server was made. */
function assertCounted(scrape: Scrape, lines: readonly Line[], wasTried: (line: Line) => boolean): void {
  for (const side of ['received', 'sent'] as const) {
    const bytes = lines.reduce((sum, line) => sum + line[side], 0);
    assert.equal(scrape.sum(`evenkeel_listener_${side}_bytes_total`), bytes);
    const ofServers = lines.filter(({ server }) => server !== '').reduce((sum, line) => sum + line[side], 0);
    assert.equal(scrape.sum(`evenkeel_server_${side}_bytes_total`), ofServers);
  }
  for (const reason of new Set(lines.map((line) => line.reason)))
    assert.equal(
      scrape.sum('evenkeel_session_endings_total', { reason }),
      lines.filter((line) => line.reason === reason).length,
      reason,
    );
  assert.equal(scrape.sum('evenkeel_session_endings_total'), lines.length);
  assert.equal(scrape.sum('evenkeel_listener_session_duration_seconds_count'), lines.length);
  const made = lines.filter((line) => wasTried(line) && line.phase !== 'connect');
  assert.equal(scrape.sum('evenkeel_upstream_connect_seconds_count'), made.length);
}

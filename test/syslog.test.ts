/** Access logs that go to Debian's rsyslog, over a Unix socket, UDP and TCP; and what a syslog server costs that is not there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { hostname } from 'node:os';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { findProgram, peerSkip, temporaryDirectory } from './peers.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

const HOST = hostname();

/** rsyslog, which writes what it has understood to `FOLDER/said`. */
class Rsyslog {
  private readonly folder: string;
  private readonly udp: number;
  private readonly tcp: number;

  constructor(folder: string, udp: number, tcp: number) {
    this.folder = folder;
    this.udp = udp;
    this.tcp = tcp;
  }

  get socket(): string {
    return `${this.folder}/log.sock`;
  }

  get said(): readonly string[] {
    const file = `${this.folder}/said`;
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  /** Returns how to end it. */
  async start(t: TestContext): Promise<() => Promise<void>> {
    const { folder, socket, tcp, udp } = this;
    rmSync(socket, { force: true });
    writeFileSync(
      `${folder}/rsyslog.conf`,
      `
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
input(type="imuxsock" Socket="${socket}" UseSpecialParser="off")
input(type="imudp" address="127.0.0.1" port="${udp}")
input(type="imtcp" address="127.0.0.1" port="${tcp}")
template(name="plain" type="string" string="%inputname% %pri% %hostname% %app-name% %msg:::drop-last-lf%\\n")
*.* action(type="omfile" file="${folder}/said" template="plain")
`,
    );
    const child = spawn(findProgram('rsyslogd')!, [
      '-n',
      '-f',
      `${folder}/rsyslog.conf`,
      '-i',
      `${folder}/rsyslog.pid`,
    ]);
    const gone = new Promise<void>((resolve) => child.on('close', () => resolve()));
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await gone;
    };
    t.after(stop);
    await until(() => existsSync(socket) && existsSync(`${folder}/rsyslog.pid`));
    await until(() => canConnect(tcp));
    return stop;
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.destroy());
    socket.on('close', (isBroken) => resolve(!isBroken));
    socket.on('error', () => undefined);
  });
}

function yaml(port: number, server: string, logs: string): string {
  return `
access-logs: { ${logs} }
listeners: { web: { bind: "127.0.0.1:${port}", access-log: [${[...logs.matchAll(/(\w+): \{ format/g)].map(([, name]) => name).join(', ')}], routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ "${server}" ] } }
`;
}

for (const engine of ENGINES) {
  const skip = peerSkip(engine, 'rsyslogd');

  test(`[${engine}] over a Unix socket, UDP and TCP`, skip, async (t) => {
    const [udp, tcp, port] = [await freePort(), await freePort(), await freePort()];
    const folder = temporaryDirectory(t);
    const server = new Rsyslog(folder, udp, tcp);
    await server.start(t);
    const backend = await startBackend(t);
    const logs = [
      `local: { format: "{uri} local", syslog: { server: "unix:${server.socket}", tag: lb } }`,
      `datagrams: { format: "{uri} datagrams", syslog: { server: "127.0.0.1:${udp}", facility: daemon, severity: notice } }`,
      `stream: { format: "{uri} stream", syslog: { server: "127.0.0.1:${tcp}", protocol: tcp } }`,
      `older: { format: "{uri} older", syslog: { server: "127.0.0.1:${udp}", format: rfc3164, tag: nginx } }`,
    ];
    const evenkeel = await Evenkeel.start(t, yaml(port, backend.address, logs.join(', ')), { engine });
    for (let i = 0; i < 20; i++) assert.equal((await get(port, `/${i}`)).status, 200);
    await until(
      () => server.said.length === 80,
      () => `80 messages; there are\n${server.said.join('\n')}`,
    );
    for (const [line, count] of [
      [`imuxsock 190 ${HOST} lb /7 local`, 1],
      [`imudp 29 ${HOST} evenkeel /7 datagrams`, 1],
      [`imtcp 190 ${HOST} evenkeel /7 stream`, 1],
      [`imudp 190 ${HOST} nginx  /7 older`, 1],
    ] as const)
      assert.equal(server.said.filter((one) => one === line).length, count, `${line}\n${server.said.join('\n')}`);
    // what waits is sent before the end
    assert.equal((await get(port, '/last')).status, 200);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
    await until(() => server.said.filter((one) => one.includes('/last')).length === 4);
    assert.doesNotMatch(evenkeel.stderr, /Warning/);
  });

  test(`[${engine}] a server that is gone costs nothing else, and gets the lines when it is back`, skip, async (t) => {
    const [udp, tcp, port] = [await freePort(), await freePort(), await freePort()];
    const server = new Rsyslog(temporaryDirectory(t), udp, tcp);
    const stop = await server.start(t);
    const backend = await startBackend(t);
    const logs = [
      `local: { format: "{uri} local", syslog: { server: "unix:${server.socket}" } }`,
      `stream: { format: "{uri} stream", syslog: { server: "127.0.0.1:${tcp}", protocol: tcp } }`,
    ];
    const evenkeel = await Evenkeel.start(t, yaml(port, backend.address, logs.join(', ')), { engine, workers: 1 });
    assert.equal((await get(port, '/before')).status, 200);
    const has = (text: string): boolean => server.said.filter((one) => one.includes(text)).length === 2;
    await until(() => has('/before '));
    await stop();
    // TCP takes what is sent first, and says only then that nobody is there
    await until(async () => {
      assert.equal((await get(port, '/meanwhile')).status, 200);
      return (evenkeel.stderr.match(/the syslog server cannot be reached/g) ?? []).length === 2;
    });
    await server.start(t);
    await evenkeel.said(/access log local: the syslog server takes lines again/);
    await evenkeel.said(/access log stream: the syslog server takes lines again/);
    assert.equal((await get(port, '/after')).status, 200);
    await until(() => has('/after '));
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });

  test(`[${engine}] lines that a server does not take are dropped and told`, engineSkip(engine), async (t) => {
    // it accepts, and reads nothing
    const stalled = net.createServer((socket) => socket.pause().on('error', () => undefined)).listen(0, '127.0.0.1');
    t.after(() => stalled.close());
    await until(() => stalled.listening);
    const to = (stalled.address() as net.AddressInfo).port;
    const backend = await startBackend(t);
    const port = await freePort();
    const logs = `main: { format: "${'x'.repeat(6000)} {uri}", syslog: { server: "127.0.0.1:${to}", protocol: tcp } }`;
    const evenkeel = await Evenkeel.start(t, yaml(port, backend.address, logs), { engine, workers: 1 });
    await until(async () => {
      for (let i = 0; i < 100; i++) assert.equal((await get(port, '/')).status, 200);
      return /\d+ lines? of access logs.* dropped: /.test(evenkeel.stderr);
    });
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });
}

test('as nginx writes it', async (t) => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => socket.close());
  const heard: string[] = [];
  socket.on('message', (bytes) => heard.push(bytes.toString('latin1')));
  await until(() => heard.length === 0);
  const folder = temporaryDirectory(t);
  const port = await freePort();
  const to = `server=127.0.0.1:${socket.address().port}`;
  writeFileSync(
    `${folder}/nginx.conf`,
    `events {}
http {
  log_format short '$request_uri';
  server { listen 127.0.0.1:${port}; return 204;
    access_log syslog:${to} short;
    access_log syslog:${to},facility=user,severity=debug,tag=web_1,nohostname short; }
}
`,
  );
  const evenkeel = Evenkeel.spawn(t, ['run', `${folder}/nginx.conf`], { env: { RUNTIME_DIRECTORY: folder } });
  await evenkeel.said(/ready: /);
  await get(port, '/asked');
  await until(() => heard.length === 2);
  const [one, other] = heard.toSorted();
  assert.match(one, /^<15>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d web_1: \/asked$/);
  assert.match(other, new RegExp(`^<190>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d ${HOST} nginx: /asked$`));
});

/** What comes to a UDP port of this machine. */
async function hear(t: TestContext): Promise<{ readonly port: number; readonly heard: readonly string[] }> {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => socket.close());
  await once(socket, 'listening');
  const heard: string[] = [];
  socket.on('message', (bytes) => heard.push(bytes.toString('latin1')));
  return { port: socket.address().port, heard };
}

test('what evenkeel says of itself goes there too, each event with its severity, until the file has it no more', async (t) => {
  const { heard, port: udp } = await hear(t);
  const port = await freePort();
  const listeners = `listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { respond: {} } ] } }\n`;
  const log = `log: { syslog: { server: "127.0.0.1:${udp}", facility: daemon, tag: lb, hostname: false } }\n`;
  const evenkeel = await Evenkeel.start(t, `${log}${listeners}`, { hasSocket: true });
  const line = / lb [0-9]+ - - (.*)$/;
  await until(() =>
    heard.some((one) => one.startsWith('<30>1 ') && /^evenkeel \S+ starts /.test(line.exec(one)?.[1] ?? '')),
  );
  writeFileSync(evenkeel.file, 'listeners: 1');
  assert.notEqual((await reload(evenkeel)).error, undefined);
  await until(() => heard.some((one) => /^<2[78]>1 /.test(one)));
  writeFileSync(evenkeel.file, listeners);
  assert.equal((await reload(evenkeel)).error, undefined);
  const { length } = heard;
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
  assert.match(evenkeel.stderr, /ended/);
  assert.ok(
    heard.slice(length).every((one) => !one.includes('ended')),
    heard.join('\n'),
  );
});

test('error_log of nginx: to a file, and to syslog with the severity of each line', async (t) => {
  const { heard, port: udp } = await hear(t);
  const folder = temporaryDirectory(t);
  const port = await freePort();
  writeFileSync(
    `${folder}/nginx.conf`,
    `error_log error.log info; error_log syslog:server=127.0.0.1:${udp},facility=user,tag=web_1,nohostname notice;\n` +
      `pid nginx.pid; events {}\nhttp { server { listen 127.0.0.1:${port}; return 204; } }\n`,
  );
  const args = ['nginx', '-p', `${folder}/`, '-c', `${folder}/nginx.conf`, '-g', 'daemon off; master_process off;'];
  Evenkeel.spawn(t, args, { env: { RUNTIME_DIRECTORY: folder } });
  const line = /^<13>[A-Z][a-z]{2} [ \d]\d [\d:]{8} web_1: \d{4}\/\d\d\/\d\d [\d:]{8} \[notice\] \d+#\d+: serves /;
  await until(
    () => heard.some((one) => line.test(one)),
    () => heard.join('\n'),
  );
  assert.match(readFileSync(`${folder}/error.log`, 'utf8'), /\[notice\] .* serves /);
});

/** UDP listeners with the programs that use them: DNS, syslog, and nginx beside evenkeel. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { Daemon, peerSkip, runOk, temporaryDirectory } from './peers.ts';
import { startUdpServer, UdpClient, until } from './udp-peers.ts';

for (const engine of ENGINES) {
  test(
    `[${engine}] dig asks unbound over UDP and TCP, and a DNS server that refuses is found out`,
    peerSkip(engine, 'unbound', 'dig'),
    async (t) => {
      const directory = temporaryDirectory(t);
      const [good, bad] = [await freePort(), await freePort()];
      for (const [port, text] of [
        [
          good,
          'local-zone: "example." static\n  local-data: "a.example. 60 IN A 192.0.2.7"\n  access-control: 127.0.0.0/8 allow',
        ],
        [bad, 'access-control: 127.0.0.0/8 refuse'],
      ] as const) {
        const file = join(directory, `${port}.conf`);
        const lines = [
          'server:',
          'chroot: ""',
          'username: ""',
          `pidfile: "${directory}/${port}.pid"`,
          'interface: 127.0.0.1',
          `port: ${port}`,
          'do-daemonize: no',
          'use-syslog: no',
          'module-config: "iterator"',
          text,
        ];
        writeFileSync(file, `${lines.join('\n  ')}\nremote-control:\n  control-enable: no\n`);
        await Daemon.start(t, 'unbound', ['-d', '-c', file], port);
      }
      const port = await freePort();
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners:
  dns: { bind: "*:${port}", protocol: udp, upstream: dns, udp: { responses: 1, idle: 5s } }
  dns-tcp: { bind: "*:${port}", protocol: tcp, upstream: dns }
upstreams:
  dns:
    servers: [ "127.0.0.1:${good}", "127.0.0.1:${bad}" ]
    health: { dns: a.example, interval: 100ms, timeout: 5s, rise: 1, fall: 1 }
`,
        { engine },
      );
      await evenkeel.said(
        new RegExp(`server dns/127.0.0.1:${bad} (?:down: |still down, now for another reason: ).*REFUSED, 0 answers`),
      );
      for (let i = 0; i < 4; i++) {
        for (const how of ['+notcp', '+tcp']) {
          const args = [`-p${port}`, '@127.0.0.1', how, '+short', '+timeout=30', '+tries=1', 'a.example', 'A'];
          assert.equal(await runOk('dig', args), '192.0.2.7\n');
        }
      }
    },
  );

  test(
    `[${engine}] lines of syslog come to rsyslog, in their order`,
    peerSkip(engine, 'rsyslogd', 'logger'),
    async (t) => {
      const directory = temporaryDirectory(t);
      const [port, server] = [await freePort(), await freePort()];
      const [file, log] = [join(directory, 'rsyslog.conf'), join(directory, 'log')];
      writeFileSync(
        file,
        `module(load="imudp")\nmodule(load="imtcp")\ninput(type="imudp" port="${server}" address="127.0.0.1")\n` +
          `input(type="imtcp" port="${server}" address="127.0.0.1")\n*.* action(type="omfile" file="${log}")\n`,
      );
      await Daemon.start(t, 'rsyslogd', ['-n', '-f', file, '-i', join(directory, 'pid')], server);
      await Evenkeel.start(
        t,
        `
listeners: { log: { bind: "127.0.0.1:${port}", protocol: udp, upstream: log, udp: { idle: 1m } } }
upstreams: { log: { servers: [ "127.0.0.1:${server}" ], balance: source-hash } }
`,
        { engine },
      );
      const lines = Array.from({ length: 20 }, (_, i) => `line ${i} of the test`);
      writeFileSync(join(directory, 'lines'), `${lines.join('\n')}\n`);
      await runOk('logger', ['--udp', '--server', '127.0.0.1', '--port', String(port), '-f', join(directory, 'lines')]);
      const logged = (): string[] =>
        existsSync(log) ? (readFileSync(log, 'utf8').match(/line \d+ of the test/g) ?? []) : [];
      await until(() => logged().length >= lines.length, 'the lines');
      assert.deepEqual(logged(), lines);
    },
  );

  test(`[${engine}] a check over UDP sends and expects`, peerSkip(engine), async (t) => {
    const good = await startUdpServer(t, () => ['PONG']);
    const bad = await startUdpServer(t, () => ['sorry']);
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners: { ping: { bind: "127.0.0.1:${port}", protocol: udp, upstream: ping } }
upstreams:
  ping:
    servers: [ "127.0.0.1:${bad.port}", "127.0.0.1:${good.port}" ]
    health: { expect: ^PONG, send: PING, transport: udp, interval: 2s, timeout: 2s, rise: 1, fall: 1 }
`,
      { engine },
    );
    await evenkeel.said(new RegExp(`server ping/127.0.0.1:${bad.port} down`));
    for (let i = 0; i < 4; i++) assert.equal(await new UdpClient(t, port).ask('?'), 'PONG');
    good.stop();
    await evenkeel.said(
      new RegExp(`server ping/127.0.0.1:${good.port} (?:down: |another reason: ).*connection refused`),
    );
  });
}

const SERVERS: readonly string[] = [
  '',
  'proxy_responses 1;',
  'proxy_responses 0;',
  'proxy_requests 2; proxy_responses 1;',
  'proxy_requests 1;',
];

test('nginx and evenkeel make the same sessions of the same nginx.conf', peerSkip(null, 'nginx'), async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startUdpServer(t);
  const alive = await freePort();
  const write = async (name: string, before: string): Promise<{ file: string; ports: number[] }> => {
    const ports: number[] = [];
    let text = '';
    for (const more of SERVERS) {
      const port = await freePort();
      ports.push(port);
      text += `server { listen 127.0.0.1:${port} udp; proxy_pass 127.0.0.1:${server.port}; proxy_timeout 60s; ${more} }\n`;
    }
    text += name === 'nginx.conf' ? `server { listen 127.0.0.1:${alive}; return ok; }\n` : '';
    const file = join(directory, name);
    writeFileSync(file, `${before}events {}\nstream {\n${text}}\n`);
    return { file, ports };
  };
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so';
  const load = existsSync(module) ? `load_module ${module};\n` : '';
  const theirs = await write('nginx.conf', `${load}daemon off;\nmaster_process off;\npid ${directory}/pid;\n`);
  const ours = await write('evenkeel.conf', '');
  await Daemon.start(t, 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', theirs.file], alive);
  const evenkeel = Evenkeel.spawn(t, ['run', ours.file, '--workers', '1'], { env: { RUNTIME_DIRECTORY: directory } });
  await evenkeel.said(/ready: .*\n/);
  /** Which datagrams came from the same port: by the first one of it. */
  const sessions = async (port: number): Promise<number[]> => {
    const client = new UdpClient(t, port);
    const before = server.received.length;
    for (let i = 0; i < 6; i++) {
      client.send(`${i}`);
      await until(() => server.received.length === before + i + 1, `datagram ${i}`);
      // the answer ends a session, where there is one
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const from = server.received.slice(before).map((each) => each.port);
    return from.map((each) => from.indexOf(each));
  };
  for (const [i, more] of SERVERS.entries()) {
    assert.deepEqual(await sessions(ours.ports[i]), await sessions(theirs.ports[i]), more);
  }
});

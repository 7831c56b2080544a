/** The end of a node that has handed its addresses over: it does not wait for clients that it can no longer reach. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel } from './evenkeel.ts';
import { LONE_HOST } from './lone-host.ts';

/** A server that says what it hears, and two clients: one of the virtual address, one of the node's own, which ends with stdin. */
const CLIENTS = `
  const net = require('node:net');
  net.createServer((socket) => socket.pipe(socket).on('error', () => {})).listen(7000, '127.0.0.1', () => {
    for (const host of ['192.0.2.3', '192.0.2.5']) {
      const socket = net.connect(80, host, () => socket.write('x'));
      socket.on('data', () => console.log(host + ' is served'));
      socket.on('error', () => {});
      if (host === '192.0.2.5') process.stdin.on('end', () => socket.end()).resume();
    }
  });
`;

for (const engine of ENGINES) {
  const skip = process.getuid?.() === 0 ? engineSkip(engine).skip : 'needs root';
  test(
    `[${engine}] a stop does not wait for connections that came over an address that has moved`,
    { skip },
    async (t) => {
      const directory = mkdtempSync(join(tmpdir(), 'evenkeel-run-'));
      t.after(() => rmSync(directory, { recursive: true }));
      const yaml = `
grace: 1h
listeners: { web: { bind: "*:80", protocol: tcp, upstream: echo } }
upstreams: { echo: { servers: [ "127.0.0.1:7000" ] } }
ha: { VI_1: { interface: eth0, router-id: 50, addresses: [192.0.2.3/24] } }
`;
      const evenkeel = await Evenkeel.start(t, yaml, {
        engine,
        workers: 1,
        through: LONE_HOST,
        args: ['--node', 'lb01'],
        env: { RUNTIME_DIRECTORY: directory, STATE_DIRECTORY: directory },
      });
      await evenkeel.said(/virtual router VI_1.* to active/);
      const clients = spawn('nsenter', [`--target=${evenkeel.child.pid}`, '--net', process.execPath, '-e', CLIENTS]);
      t.after(() => clients.kill('SIGKILL'));
      let said = '';
      await new Promise<void>((resolve) => {
        clients.stdout.on('data', (data: Buffer) => {
          said += data.toString();
          if (said.includes('192.0.2.3 is served') && said.includes('192.0.2.5 is served')) resolve();
        });
      });
      evenkeel.signal('SIGTERM');
      await evenkeel.said(/SIGTERM: finishing what is in flight \(connections: web 2\)/);
      await evenkeel.said(/connections that came to 192\.0\.2\.3 are ended/);
      // The other one could go on for an hour.
      clients.stdin.end();
      assert.equal(await evenkeel.exit, 0);
    },
  );
}

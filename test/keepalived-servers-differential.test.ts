/**
 * Real keepalived and evenkeel with the same virtual servers, through the same steps: which servers clients are sent to, and the programs
 * that are run. Each file of keepalived-servers/ has the configuration and the steps; a file more is a case more. No kernel that does
 * IPVS is needed: keepalived's is a table that fake-ipvs.c keeps.
 *
 * `$VS`, `$A`, `$B`, `$C` in the configuration are ports of the virtual server and of three servers on 127.0.0.1, `$DIR` is a directory of the case with a
 * program `tell` that notes its arguments, `$CERTIFICATES` one with `lb.pem`, `lb.key` and `other.pem`. Steps, one a line: `serve A` (`503`, `host=NAME`, `without=PATH`,
 * `dns`, `smtp`, `https`, `https=NAME` if this name is asked for, `https-to-lb` if lb's certificate is shown: how), `gone A` are a server's, `start`,
 * `stop` the program's, `told TEXT` waits for a program (a second time for the second), `goes A B` until clients are sent to these and no
 * others; `write FILE TEXT` puts text into a file of the directory. What is not compared is a row of docs/coming-from-keepalived.md.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { Evenkeel, freePort } from './evenkeel.ts';
import { findProgram, peerSkip, runOk, temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const CASES = fileURLToPath(new URL('../../test/keepalived-servers/', import.meta.url));
const NAMES = ['A', 'B', 'C'] as const;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly steps: readonly string[];
}

type ProgramName = 'keepalived' | 'evenkeel';

function readCases(): Case[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.conf'))
    .map((file) => {
      const [text, steps] = readFileSync(join(CASES, file), 'utf8').split('--- steps\n');
      return { name: file.slice(0, -'.conf'.length), text, steps: steps.trim().split('\n') };
    });
}

/** How a server is asked who it is. */
const WHO = 'GET /who HTTP/1.0\r\n\r\n';

/** One that answers requests, greets or says nothing, as it is told, and knows whether it was asked who it is. */
class Server {
  wasAsked = false;
  private readonly port: number;
  private close: (() => void) | null = null;

  constructor(port: number) {
    this.port = port;
  }

  async serve(how: string): Promise<void> {
    this.end();
    if (how === 'dns') {
      const socket = dgram.createSocket('udp4');
      socket.on('message', (data, { port, address }) => {
        this.note(data);
        // an answer without records; what is no question is no matter
        if (data.length > 2) data[2] |= 0x80;
        socket.send(data, port, address);
      });
      socket.bind(this.port, '127.0.0.1');
      await once(socket, 'listening');
      this.close = () => socket.close();
      return;
    }
    const sockets = new Set<net.Socket>();
    const serve = (socket: net.Socket): void => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      if (how === 'smtp') socket.write('220 mail ready\r\n');
      socket.on('data', (data) => {
        this.note(data);
        if (how === 'smtp') socket.write(/^quit/i.test(data.toString()) ? '221 bye\r\n' : '250 ok\r\n');
        else if (data.includes('HTTP/1')) socket.end(answerOf(how, data.toString()));
      });
    };
    const server = net.createServer(how.startsWith('https') ? this.overTls(how, serve) : serve);
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.close = () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
  }

  /** As real ones do, in clear too: who is asked so says that it was. */
  private overTls(how: string, serve: (socket: net.Socket) => void): (socket: net.Socket) => void {
    const { pem, key } = madeCertificates!;
    const options = { cert: pem, key, requestCert: true, rejectUnauthorized: false };
    const inside = tls.createServer(options, (socket) => {
      const isMeant =
        how === 'https' ||
        how === `https=${socket.servername === false ? '' : socket.servername}` ||
        (how === 'https-to-lb' && socket.getPeerCertificate().subject?.CN === 'lb');
      if (isMeant) serve(socket);
      else socket.destroy();
    });
    inside.on('tlsClientError', () => undefined);
    return (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        this.note(data);
        if (data[0] === 0x16) {
          socket.pause();
          socket.unshift(data);
          inside.emit('connection', socket);
        } else socket.destroy();
      });
    };
  }

  end(): void {
    this.close?.();
    this.close = null;
  }

  private note(data: Buffer): void {
    if (data.includes('/who')) this.wasAsked = true;
  }
}

function answerOf(how: string, request: string): string {
  const wants = how.startsWith('host=') ? `\r\nHost: ${how.slice('host='.length)}\r\n` : '';
  const isMissing = how.startsWith('without=') && request.startsWith(`GET ${how.slice('without='.length)} `);
  if (isMissing) how = '404';
  const status = /^\d{3}$/.test(how) ? how : request.toLowerCase().includes(wants.toLowerCase()) ? '200' : '503';
  return `HTTP/1.1 ${status} Said\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine`;
}

let fakeIpvs = '';
let madeCertificates: { readonly folder: string; readonly pem: Buffer; readonly key: Buffer } | null = null;

class Scene {
  private readonly t: TestContext;
  private readonly given: Case;
  private readonly which: ProgramName;
  private readonly directory: string;
  private readonly servers = new Map<string, Server>();
  private readonly ports = new Map<string, number>();
  private readonly waited = new Map<string, number>();
  private child: ChildProcess | null = null;
  private output = '';

  static async play(t: TestContext, given: Case, which: ProgramName): Promise<readonly string[]> {
    const scene = new Scene(t, given, which);
    for (const name of [...NAMES, 'VS']) scene.ports.set(name, await freePort());
    for (const name of NAMES) scene.servers.set(name, new Server(scene.ports.get(name)!));
    t.after(() => scene.servers.forEach((server) => server.end()));
    for (const step of given.steps) await scene.take(step);
    return byProgram(scene.told);
  }

  private constructor(t: TestContext, given: Case, which: ProgramName) {
    this.t = t;
    this.given = given;
    this.which = which;
    this.directory = temporaryDirectory(t);
    const tell = `#!/bin/sh\necho "$@" >> ${this.directory}/told\n`;
    writeFileSync(this.path('tell'), tell, { mode: 0o755 });
    const exit = `#!/bin/sh\nread code < ${this.directory}/code && exit $code\n`;
    writeFileSync(this.path('exit'), exit, { mode: 0o755 });
  }

  private path(name: string): string {
    return join(this.directory, name);
  }

  private lines(file: string): readonly string[] {
    return existsSync(this.path(file)) ? readFileSync(this.path(file), 'utf8').split('\n').filter(Boolean) : [];
  }

  private get told(): readonly string[] {
    return this.lines('told');
  }

  private filled(text: string): string {
    const ports = text.replace(/\$(VS|[ABC])\b/g, (_, name: string) => `${this.ports.get(name)!}`);
    return ports.replaceAll('$DIR', this.directory).replaceAll('$CERTIFICATES', madeCertificates!.folder);
  }

  private async take(step: string): Promise<void> {
    const [verb, ...words] = step.split(' ');
    const rest = words.join(' ');
    switch (verb) {
      case 'serve':
        return this.servers.get(words[0])!.serve(words.slice(1).join(' '));
      case 'gone':
        return this.servers.get(words[0])!.end();
      case 'write':
        // at once, for whoever reads it
        writeFileSync(this.path('new'), `${words.slice(1).join(' ')}\n`);
        return renameSync(this.path('new'), this.path(words[0]));
      case 'start':
        return this.start();
      case 'stop': {
        const gone = once(this.child!, 'exit');
        this.child!.kill('SIGTERM');
        await gone;
        return;
      }
      case 'told': {
        const count = (this.waited.get(rest) ?? 0) + 1;
        this.waited.set(rest, count);
        await this.until(step, () => this.told.filter((line) => line === rest).length >= count);
        return;
      }
      case 'goes':
        await this.until(step, async () => (await this.served()).join(' ') === rest);
        return;
      default:
        throw new Error(`${this.given.name}: what is the step ${step}?`);
    }
  }

  private start(): void {
    const path = this.path('keepalived.conf');
    writeFileSync(path, this.filled(this.given.text));
    if (this.which === 'evenkeel') {
      const args = ['run', path, '--workers', '1', '--socket', this.path('socket')];
      this.child = Evenkeel.spawn(this.t, args, { env: { RUNTIME_DIRECTORY: this.directory } }).child;
    } else {
      const pids = ['pid', 'checkers_pid'].flatMap((name) => [`--${name}`, this.path(name)]);
      const args = ['--check', '--dont-fork', '--log-console', '--log-detail', '--use-file', path, ...pids];
      const env = { ...process.env, LD_PRELOAD: fakeIpvs, IPVS_LOG: this.path('ipvs') };
      const child = spawn(findProgram('keepalived')!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      this.child = child;
      this.t.after(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM');
        await once(child, 'exit');
      });
    }
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (data: Buffer) => (this.output += data.toString()));
  }

  /** Whom clients are sent to now. */
  private async served(): Promise<readonly string[]> {
    if (this.which === 'keepalived') {
      const weights = new Map<string, number>();
      for (const line of this.lines('ipvs')) {
        const [verb, , port, weight] = line.split(' ');
        weights.set(port, verb === 'has' ? Number(weight) : 0);
      }
      return NAMES.filter((name) => (weights.get(`${this.ports.get(name)!}`) ?? 0) > 0);
    }
    for (const server of this.servers.values()) server.wasAsked = false;
    const isUdp = /protocol UDP/.test(this.given.text);
    for (let i = 0; i < 12; i++) await (isUdp ? this.sendWho() : this.askWho());
    return NAMES.filter((name) => this.servers.get(name)!.wasAsked);
  }

  private async askWho(): Promise<void> {
    const socket = net.connect(this.ports.get('VS')!, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.end(WHO);
    await new Promise((resolve) => socket.on('close', resolve));
  }

  /** Each from a port of its own. */
  private async sendWho(): Promise<void> {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => undefined);
    socket.send(WHO, this.ports.get('VS'), '127.0.0.1');
    await Promise.race([once(socket, 'message'), new Promise((resolve) => setTimeout(resolve, 200))]);
    socket.close();
  }

  private until(step: string, isSo: () => boolean | Promise<boolean>): Promise<unknown> {
    return until(isSo, () => `${this.which}, ${this.given.name}, ${step}:\n${this.told.join('\n')}\n${this.output}`);
  }
}

/** What several programs are told has no order. */
function byProgram(told: readonly string[]): readonly string[] {
  return told.toSorted((one, other) => {
    const [a, b] = [one.split(' ')[0], other.split(' ')[0]];
    return a < b ? -1 : Number(a > b);
  });
}

const isRoot = process.getuid?.() === 0;
const skip = isRoot ? peerSkip(null, 'keepalived', 'gcc').skip : 'needs root';

describe('virtual servers, by keepalived and by evenkeel', { skip, concurrency: 8 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  const maker = new CertificateMaker();
  after(() => {
    maker.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  before(async () => {
    for (const name of ['lb', 'other']) maker.make(name, { names: [`${name}.example`] });
    const [pem, key] = ['lb.pem', 'lb.key'].map((file) => readFileSync(maker.path(file)));
    madeCertificates = { folder: maker.folder, pem, key };
    fakeIpvs = join(directory, 'fake-ipvs.so');
    await runOk('gcc', ['-shared', '-fPIC', '-o', fakeIpvs, join(CASES, 'fake-ipvs.c'), '-ldl']);
  });

  for (const given of readCases()) {
    test(given.name, { timeout: 180_000 }, async (t) => {
      const [theirs, ours] = await Promise.all([Scene.play(t, given, 'keepalived'), Scene.play(t, given, 'evenkeel')]);
      assert.deepEqual(ours, theirs);
    });
  }
});

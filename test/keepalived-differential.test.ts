/**
 * Real keepalived and evenkeel with the same keepalived.conf, each on a host of its own beside a peer, through the same steps: what
 * they send, which addresses, routes and rules their host has, and what they tell their notify programs. Each file of keepalived-differential/ has
 * the configuration of the node, perhaps that of a peer (always a real keepalived), and the steps; a file more is a case more.
 *
 * Steps, one a line: `held ADDRESS`, `free ADDRESS`, `advert PRIORITY` (the node's last one has it), `told TEXT` wait for the node;
 * `cut`, `join` are its link's, `peer start`, `peer stop` the peer's, `stop` ends the node's program; `sh COMMAND` is run on the
 * node. `$DIR` is a directory of the case, with a program `notify` that notes its arguments. What is not compared is a row of docs/coming-from-keepalived.md.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAddressLine } from '../src/lab/address-watch.ts';
import { Network } from '../src/lab/network.ts';
import { HostProcess } from '../src/lab/processes.ts';
import { refusalOfLab, runTool } from '../src/lab/system.ts';
import { program } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { Change, until } from './waiting.ts';

const CASES = fileURLToPath(new URL('../../test/keepalived-differential/', import.meta.url));
const NODE = 'node';
const PEER = 'peer';

/** Most of the time they wait. */
const AT_ONCE = 10;

interface Case {
  readonly name: string;
  readonly node: string;
  readonly peer: string | null;
  readonly steps: readonly string[];
}

type ProgramName = 'keepalived' | 'evenkeel';

/** What can be seen of a node, at the end of each step that waits, and over all of them. */
interface Seen {
  readonly states: readonly string[];
  readonly adverts: readonly string[];
  readonly told: readonly string[];
}

function readCases(): Case[] {
  return readdirSync(CASES)
    .filter((file) => file.endsWith('.conf'))
    .map((file) => {
      const [node, ...parts] = readFileSync(join(CASES, file), 'utf8').split(/^--- /m);
      const part = (name: string): string | null =>
        parts.find((each) => each.startsWith(`${name}\n`))?.slice(name.length + 1) ?? null;
      const steps = part('steps')!.trim().split('\n');
      return { name: file.slice(0, -'.conf'.length), node, peer: part('peer'), steps };
    });
}

class Scene {
  private readonly network: Network;
  private readonly directory: string;
  private readonly which: ProgramName;
  private readonly given: Case;
  private readonly change = new Change();
  private readonly adverts: string[] = [];
  private readonly states: string[] = [];
  /** What the node's kernel has said it has. */
  private readonly held = new Set<string>();
  private isHeard = false;
  private readonly observers: HostProcess[] = [];
  private node: HostProcess | null = null;
  private peer: HostProcess | null = null;

  static async play(t: TestContext, given: Case, which: ProgramName): Promise<Seen> {
    const network = await Network.create();
    t.after(() => network.remove());
    const scene = new Scene(network, given, which);
    await network.addHosts({
      [NODE]: ['192.0.2.1/24', '2001:db8::1/64'],
      [PEER]: ['192.0.2.2/24', '2001:db8::2/64'],
    });
    await Promise.all([scene.listen(), scene.watch(), scene.settle(NODE), scene.settle(PEER)]);
    if (!given.steps.includes('start')) scene.start();
    for (const step of given.steps) await scene.take(step);
    return { states: scene.states, adverts: collapse(scene.adverts), told: byRouter(scene.told) };
  }

  private constructor(network: Network, given: Case, which: ProgramName) {
    this.network = network;
    this.directory = network.directory;
    this.given = given;
    this.which = which;
    this.write('notify', '#!/bin/sh\necho "$@" >> "${0%/*}/told"\n', 0o755);
    this.write('first', '#!/bin/sh\necho "$1" >> "${0%/*}/told"\n', 0o755);
    this.write(
      'read',
      '#!/bin/sh\nfor fifo; do :; done\n[ $# = 1 ] || said="$1 "\nwhile read -r line; do echo "$said$line" >> "${0%/*}/told"; done < "$fifo"\n',
      0o755,
    );
    this.write('told', '', 0o644);
  }

  /** What the node sends by protocol 112, as the peer's host hears it. */
  private async listen(): Promise<void> {
    const options = ['-l', '-n', '-v', '--immediate-mode', '--direction=in', '--interface=eth0'];
    const command = ['tcpdump', ...options, 'proto 112 or ip6 proto 112'];
    let isListening = false;
    let head = '';
    this.observe(PEER, command, (line) => {
      if (line.includes('listening on')) isListening = true;
      else if (/^\d\d:/.test(line)) head = line;
      // IPv4's second line has the addresses and the advert; all of IPv6's is in one.
      const text = /^\d\d:/.test(line) ? line : `${head} ${line}`;
      if (text.includes('vrid')) this.noteAdvert(text);
      this.change.wake();
    });
    await this.change.until(
      () => isListening,
      () => 'tcpdump listens',
    );
  }

  /**
   * Nobody else has the addresses of its interface. While the kernel still asks, evenkeel has no address to send from, and tells a fault;
   * keepalived does not look.
   */
  private async settle(host: string): Promise<void> {
    await until(
      async () => {
        const addresses = await this.network.ip(host, ['-6', '-oneline', 'address', 'show', 'dev', 'eth0']);
        return addresses.includes('fe80:') && !addresses.includes('tentative');
      },
      () => `${host} has no link-local address that was found to be nobody else's`,
    );
  }

  private async watch(): Promise<void> {
    const command = ['ip', '-oneline', '-timestamp', '-tshort', 'monitor', 'address'];
    this.observe(NODE, command, (line) => {
      this.isHeard = true;
      const change = parseAddressLine(line);
      if (change?.isAdded === true) this.held.add(change.address);
      else if (change !== null) this.held.delete(change.address);
    });
    // It does not say when it listens.
    const touch = ['add', 'delete'].map((verb) => `address ${verb} 127.99.99.99/32 dev lo`);
    while (!this.isHeard) await this.network.batch(NODE, touch);
  }

  private observe(host: string, command: readonly string[], onLine: (line: string) => void): void {
    this.observers.push(new HostProcess(this.network.namespace(host), command, { onLine }));
  }

  private noteAdvert(text: string): void {
    const [, from] = /(192\.0\.2\.\d+|fe80::[0-9a-f:]+|2001:db8::\d+) > /.exec(text) ?? [];
    if (from === undefined) return;
    const ttl = /ttl (\d+)|hlim (\d+)/.exec(text);
    const advert = text
      .slice(text.indexOf('> '))
      .replace(/, length \d+/, '')
      .replace(/^> (\S+?):? .*?(VRRPv\d|vrrp)/i, '$1 $2');
    // Each host has a link-local address of its own.
    const source = from.startsWith('fe80') ? 'fe80::' : from;
    this.adverts.push(`${source} ttl ${ttl?.[1] ?? ttl?.[2] ?? '?'} > ${advert}`.replaceAll(/\s+/g, ' ').trim());
  }

  private start(): void {
    const path = this.write('keepalived.conf', this.given.node.replaceAll('$DIR', this.directory), 0o644);
    const command =
      this.which === 'keepalived'
        ? this.keepalived(path, NODE)
        : [process.execPath, program, 'run', path, '--workers', '1', '--socket', join(this.directory, 'evenkeel.sock')];
    const env = { RUNTIME_DIRECTORY: this.directory };
    this.node = new HostProcess(this.network.namespace(NODE), command, { env, onLine: () => this.change.wake() });
  }

  private keepalived(path: string, host: string): string[] {
    const pidFiles = ['pid', 'vrrp_pid', 'checkers_pid'].flatMap((name) => [
      `--${name}`,
      join(this.directory, `${host}.${name}`),
    ]);
    return ['keepalived', '--dont-fork', '--log-console', '--log-detail', '--use-file', path, ...pidFiles];
  }

  private write(name: string, text: string, mode: number): string {
    const path = join(this.directory, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  private get told(): readonly string[] {
    return readFileSync(join(this.directory, 'told'), 'utf8').split('\n').filter(Boolean);
  }

  private async take(step: string): Promise<void> {
    const [verb, ...words] = step.split(' ');
    const rest = words.join(' ');
    switch (verb) {
      case 'held':
        await this.until(step, () => words.every((address) => this.held.has(address)));
        return this.note(step);
      case 'free':
        await this.until(step, () => words.every((address) => !this.held.has(address)));
        return this.note(step);
      case 'advert':
        await this.until(step, () => this.adverts.at(-1)?.includes(`prio ${rest},`) === true);
        return;
      case 'told':
        await this.until(step, () => this.told.includes(rest));
        return;
      case 'start':
        return this.start();
      case 'sleep':
        return new Promise((resolve) => setTimeout(resolve, Number(rest) * 1_000));
      case 'cut':
        return this.network.cutLink(NODE);
      case 'join':
        return this.network.joinLink(NODE);
      case 'peer':
        return rest === 'start' ? this.startPeer() : this.peer!.end('SIGTERM');
      case 'stop':
        await this.node!.end('SIGTERM');
        return this.note(step);
      case 'sh':
        await runTool('ip', [
          'netns',
          'exec',
          this.network.namespace(NODE),
          'sh',
          '-ec',
          rest.replaceAll('$DIR', this.directory),
        ]);
        return;
      default:
        throw new Error(`${this.given.name}: what is the step ${step}?`);
    }
  }

  private startPeer(): void {
    const path = this.write('peer.conf', this.given.peer!.replaceAll('$DIR', this.directory), 0o644);
    this.peer = new HostProcess(this.network.namespace(PEER), this.keepalived(path, PEER));
  }

  private until(step: string, isSo: () => boolean): Promise<unknown> {
    return until(
      isSo,
      () => `${this.which}, ${this.given.name}, ${step}:\n${this.node!.output}\n${this.adverts.join('\n')}`,
    );
  }

  private addresses(): Promise<string> {
    return this.network.ip(NODE, ['-oneline', 'address', 'show', 'scope', 'global']);
  }

  private async note(step: string): Promise<void> {
    const addresses = (await this.addresses())
      .split('\n')
      .filter((line) => line !== '' && !/192\.0\.2\.1\/24|2001:db8::1\/64/.test(line))
      .map((line) => `${/: (\S+)\s+(inet6?) (\S+)/.exec(line)!.slice(1).join(' ')}${labelOf(line)}`)
      // There it is only for connections that came over it, and are finished.
      .filter((text) => !text.startsWith('lo '))
      .map((text) => text.replace(/^(vrrp|vip[46])[.\d]* /, 'virtual MAC ').replace(/(inet [\d.]+)\/\d+/, '$1'));
    const routing = await this.routing();
    this.states.push([`${step}: ${addresses.sort().join(', ')}`, ...routing].join('\n'));
  }

  /** Their routes and rules, without the number by which they know them; the way to the network of an address is ours alone. */
  private async routing(): Promise<readonly string[]> {
    const shows = ['-4', '-6'].flatMap((family) => [
      [family, 'route', 'show', 'table', 'all'],
      [family, 'rule', 'show'],
    ]);
    const outputs = await Promise.all(shows.map((show) => this.network.ip(NODE, show)));
    return outputs
      .flatMap((output) => output.split('\n'))
      .filter((line) => / proto (keepalived|112)\b/.test(line) && !line.includes('metric 4000000'))
      .map((line) => line.replace(/ proto \w+/, '').trim());
  }
}

/** Router by router, each once for as long as it is said again and again. */
function collapse(adverts: readonly string[]): string[] {
  return adverts
    .toSorted((one, other) => compare(idOf(one), idOf(other)))
    .filter((advert, at, all) => advert !== all[at - 1]);
}

/** What several programs are told has no order. */
function byRouter(told: readonly string[]): string[] {
  return told.toSorted((one, other) => compare(nameOf(one), nameOf(other)));
}

function labelOf(line: string): string {
  return /inet .* scope .*?( \S+:\S+)\\/.exec(line)?.[1] ?? '';
}

function idOf(advert: string): string {
  return /vrid \d+/.exec(advert)![0];
}

function nameOf(line: string): string {
  return /^(INSTANCE|GROUP) \S+/.exec(line)?.[0] ?? '';
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

const skip = refusalOfLab() ?? peerSkip(null, 'keepalived', 'tcpdump').skip;

describe('keepalived.conf, by keepalived and by evenkeel', { skip, concurrency: AT_ONCE }, () => {
  for (const given of readCases()) {
    test(given.name, { timeout: 180_000 }, async (t) => {
      const [theirs, ours] = await Promise.all([Scene.play(t, given, 'keepalived'), Scene.play(t, given, 'evenkeel')]);
      assert.deepEqual(ours, theirs);
    });
  }
});

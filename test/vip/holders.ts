/** Who holds an address on a segment, as each host's kernel tells `ip monitor`: every change, however short. */
import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type AddressChange, parseAddressLine, sumUpHolders } from '../../src/lab/address-watch.ts';
import { Change, until } from '../waiting.ts';
import type { Host } from './virtual-node.ts';

const run = promisify(execFile);

/** Added and removed until the monitor shows it: `ip monitor` does not say when it listens. */
const TEST_ADDRESS = '127.99.99.99';

export class Holders {
  private readonly changes: AddressChange[] = [];
  private readonly address: string;
  private readonly heard = new Set<string>();
  private readonly change = new Change();

  static async watch(address: string, hosts: readonly Host[]): Promise<Holders> {
    const holders = new Holders(address);
    for (const host of hosts) await holders.add(host);
    return holders;
  }

  private constructor(address: string) {
    this.address = address;
  }

  /** For how long two hosts have held it at once, since the beginning. */
  get overlapMs(): number {
    const { changes } = this;
    if (changes.length === 0) return 0;
    return sumUpHolders(changes, changes[0].atMs, Date.now()).twoHoldersMs;
  }

  /** The hosts that took it, in order. */
  get takers(): string[] {
    return this.changes.filter(({ isHeld }) => isHeld).map(({ host }) => host);
  }

  /** Resolves when that host holds it, and no other. */
  async settle(host: Host): Promise<void> {
    await this.change.until(
      () => this.holders.join() === host.name,
      () => `${host.name} alone holds ${this.address}: ${JSON.stringify(this.changes)}`,
    );
  }

  private get holders(): string[] {
    const holders = new Set<string>();
    for (const { host, isHeld } of this.changes) {
      if (isHeld) holders.add(host);
      else holders.delete(host);
    }
    return [...holders];
  }

  private async add(host: Host): Promise<void> {
    let wasHeld = false;
    const monitor = host.spawn('env', 'TZ=UTC', 'ip', '-oneline', '-timestamp', '-tshort', 'monitor', 'address');
    createInterface(monitor.stdout!).on('line', (line) => {
      const found = parseAddressLine(line);
      if (found === null) return;
      if (found.address === TEST_ADDRESS) this.heard.add(host.name);
      // On the loopback interface nobody sees it: a node that gave it up finishes connections.
      if (found.address !== this.address || found.interfaceName === 'lo') return;
      if (found.isAdded === wasHeld) return;
      wasHeld = found.isAdded;
      this.changes.push({ host: host.name, isHeld: wasHeld, atMs: found.unixMs });
      this.changes.sort((a, b) => a.atMs - b.atMs);
      this.change.wake();
    });
    await until(async () => {
      for (const verb of ['add', 'delete']) {
        await run('ip', ['-n', host.name, 'address', verb, `${TEST_ADDRESS}/32`, 'dev', 'lo']);
      }
      return this.heard.has(host.name);
    });
  }
}

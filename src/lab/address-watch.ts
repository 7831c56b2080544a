/**
 * Who holds an address, as the kernel of each host says it: every change with the moment it was made known, by `ip monitor`.
 * Not by asking from time to time, which would miss what lasts shorter; and not by evenkeel's own netlink code, which is
 * among what is observed.
 */
import { monotonicOfUnixMs } from './clock.ts';
import type { Network } from './network.ts';
import { HostProcess } from './processes.ts';

export interface AddressChange {
  readonly host: string;
  readonly isHeld: boolean;
  /** See clock.ts. */
  readonly atMs: number;
}

/** Added and removed until the monitor shows it. */
const TEST_ADDRESS = '127.99.99.99';

export class AddressWatch {
  readonly changes: AddressChange[] = [];
  private readonly address: string;
  /** The interfaces that have it; a virtual MAC brings one of its own. */
  private readonly interfaces = new Map<string, Set<string>>();
  private readonly monitors: HostProcess[] = [];
  private readonly onChange: (change: AddressChange) => void;
  private isHeard = false;

  /** To be started before anything can add the address. */
  constructor(address: string, onChange: (change: AddressChange) => void = () => undefined) {
    this.address = address;
    this.onChange = onChange;
  }

  async start(network: Network, hosts: readonly string[]): Promise<void> {
    for (const host of hosts) {
      this.interfaces.set(host, new Set());
      const monitor = new HostProcess(
        network.namespace(host),
        ['ip', '-oneline', '-timestamp', '-tshort', 'monitor', 'address'],
        { env: { TZ: 'UTC' }, onLine: (line) => this.handleLine(host, line) },
      );
      this.monitors.push(monitor);
      await this.hears(network, host);
    }
  }

  /** Hosts that hold it now. */
  holders(): string[] {
    return [...this.interfaces].filter(([, interfaces]) => interfaces.size > 0).map(([host]) => host);
  }

  /** Its own processes are in the hosts' namespaces too; they are none of the host's. */
  get pids(): number[] {
    return this.monitors.map(({ pid }) => pid);
  }

  /** `ip monitor` does not say when it listens: touches an address until it shows that it does. */
  private async hears(network: Network, host: string): Promise<void> {
    this.isHeard = false;
    const touch = ['add', 'delete'].map((verb) => `address ${verb} ${TEST_ADDRESS}/32 dev lo`);
    while (!this.isHeard) await network.batch(host, touch);
  }

  private handleLine(host: string, line: string): void {
    const found = parseAddressLine(line);
    if (found === null) return;
    if (found.address === TEST_ADDRESS) this.isHeard = true;
    // On the loopback interface nobody sees it: a node that gave it up finishes connections.
    if (found.address !== this.address || found.interfaceName === 'lo') return;
    const interfaces = this.interfaces.get(host)!;
    const wasHeld = interfaces.size > 0;
    if (found.isAdded) interfaces.add(found.interfaceName);
    else interfaces.delete(found.interfaceName);
    const isHeld = interfaces.size > 0;
    if (isHeld === wasHeld) return;
    const change = { host, isHeld, atMs: monotonicOfUnixMs(found.unixMs) };
    this.changes.push(change);
    this.onChange(change);
  }
}

/** `[2026-01-31T10:00:00.123456] Deleted 2: eth0    inet 192.168.15.3/24 scope global eth0\ ...` */
export function parseAddressLine(
  line: string,
): { unixMs: number; isAdded: boolean; interfaceName: string; address: string } | null {
  const match = /^\[(\S+?)\.(\d{6})\] (Deleted )?\d+: (\S+)\s+inet6? ([0-9a-f.:]+)/.exec(line);
  if (match === null) return null;
  const [, seconds, microseconds, deleted, interfaceName, address] = match;
  return {
    unixMs: Date.parse(`${seconds}Z`) + Number(microseconds) / 1000,
    isAdded: deleted === undefined,
    interfaceName,
    address,
  };
}

/** For how long at least two hosts held the address from `fromMs` to `toMs`, and how often a host took it. */
export function sumUpHolders(
  changes: readonly AddressChange[],
  fromMs: number,
  toMs: number,
): { twoHoldersMs: number; noHolderMs: number; moves: number } {
  const holders = new Set<string>();
  let twoHoldersMs = 0;
  let noHolderMs = 0;
  let moves = 0;
  let lastMs = fromMs;
  const pass = (untilMs: number): void => {
    const end = Math.min(Math.max(untilMs, fromMs), toMs);
    if (holders.size >= 2) twoHoldersMs += end - lastMs;
    if (holders.size === 0) noHolderMs += end - lastMs;
    lastMs = end;
  };
  // Each host's come in order, those of different hosts need not.
  for (const { host, isHeld, atMs } of changes.toSorted((a, b) => a.atMs - b.atMs)) {
    pass(atMs);
    if (isHeld) holders.add(host);
    else holders.delete(host);
    if (isHeld && atMs > fromMs && atMs <= toMs) moves++;
  }
  pass(toMs);
  return { twoHoldersMs, noHolderMs, moves };
}

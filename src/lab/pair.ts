/**
 * The classic pair on one machine: two load balancers that share a virtual address, two web servers behind them, and a
 * client, all on one switch.
 *
 *     client 192.168.15.1        lb01 192.168.15.5     virtual address      web1 192.168.15.7
 *     (and the way out)          lb02 192.168.15.6     192.168.15.3         web2 192.168.15.8
 *
 * What runs on the load balancers is the caller's affair: evenkeel, or what it is compared with.
 */
import { once } from 'node:events';
import { type AddressChange, AddressWatch } from './address-watch.ts';
import { Client } from './client.ts';
import { Network } from './network.ts';
import { HostProcess, type HostProcessOptions, processesIn } from './processes.ts';

export const BALANCERS = ['lb01', 'lb02'] as const;
export type Balancer = (typeof BALANCERS)[number];
export const WEB_SERVERS = ['web1', 'web2'] as const;
export const CLIENT = 'client';

export const ADDRESSES = {
  client: '192.168.15.1',
  lb01: '192.168.15.5',
  lb02: '192.168.15.6',
  web1: '192.168.15.7',
  web2: '192.168.15.8',
} as const;
export const VIRTUAL_ADDRESS = '192.168.15.3';
export const PREFIX_LENGTH = 24;
/** The same over IPv6: the last part is that of the IPv4 address. */
const NETWORK_6 = 'fd00:15::';
export const VIRTUAL_ADDRESS_6 = `${NETWORK_6}3`;
export const PREFIX_LENGTH_6 = 64;
export const WEB_PORT = 80;

/** Shorter than a second: a lost SYN is then a failure and no delay. */
const DEADLINE_MS = 500;

/** Who answers for the virtual address, as the client's kernel and the switch have it. */
export interface Path {
  /** The client's ARP entry; null: none. */
  readonly mac: string | null;
  /** The port to which the switch sends frames for that MAC; null: not known. */
  readonly port: string | null;
}

export class Pair {
  readonly network: Network;
  readonly watch: AddressWatch;
  private readonly program: readonly string[];
  private readonly last = new Map<string, HostProcess>();

  /** `program` runs this program's main file: the interpreter, the file. */
  static async create(program: readonly string[], onAddressChange?: (change: AddressChange) => void): Promise<Pair> {
    const network = await Network.create();
    try {
      const hosts = Object.entries(ADDRESSES).map(([host, address]): [string, readonly string[]] => {
        const address6 = NETWORK_6 + address.slice(address.lastIndexOf('.') + 1);
        return [host, [`${address}/${PREFIX_LENGTH}`, `${address6}/${PREFIX_LENGTH_6}`]];
      });
      await network.addHosts(Object.fromEntries(hosts));
      const pair = new Pair(network, program, onAddressChange);
      await Promise.all([pair.watch.start(network, BALANCERS), ...WEB_SERVERS.map((name) => pair.startWeb(name))]);
      return pair;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  private constructor(network: Network, program: readonly string[], onAddressChange?: (change: AddressChange) => void) {
    this.network = network;
    this.program = program;
    this.watch = new AddressWatch(VIRTUAL_ADDRESS, onAddressChange);
  }

  /** Starts requests from the client to the virtual address. */
  startClient(intervalMs: number, address = VIRTUAL_ADDRESS, deadlineMs = DEADLINE_MS): Client {
    return new Client({
      namespace: this.network.namespace(CLIENT),
      program: this.program,
      address,
      port: WEB_PORT,
      intervalMs,
      deadlineMs,
    });
  }

  /** Runs a program on a host. */
  run(host: string, command: readonly string[], options: HostProcessOptions = {}): HostProcess {
    const process = new HostProcess(this.network.namespace(host), command, options);
    this.last.set(host, process);
    return process;
  }

  /** What the program said that was started last on a host, for a report of a failure. */
  lastWords(host: string): string {
    return this.last.get(host)?.output ?? '';
  }

  /** Ids of a load balancer's processes, without the lab's own; parents before their children. */
  processes(host: Balancer): number[] {
    const { pids } = this.watch;
    return processesIn(this.network.namespace(host)).filter((pid) => !pids.includes(pid));
  }

  async path(): Promise<Path> {
    const mac = await this.network.neighbour(CLIENT, VIRTUAL_ADDRESS);
    return { mac, port: mac === null ? null : await this.network.portOf(mac) };
  }

  /** Ends everything that runs in it. Idempotent. */
  async remove(): Promise<void> {
    await this.network.remove();
  }

  private async startWeb(name: string): Promise<void> {
    const command = [...this.program, '__lab-web', name];
    const server = this.run(name, command, { hasChannel: true });
    const end = server.exit.then(() => {
      throw new Error(`${name} ended:\n${server.output}`);
    });
    await Promise.race([once(server.child, 'message'), end]);
    end.catch(() => undefined);
  }
}

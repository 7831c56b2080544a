/**
 * A switch and hosts on it, as network namespaces: nothing of it is in the machine's own network. Links can be cut, hosts
 * partitioned, and single kinds of frames dropped in one direction.
 *
 * The switch is a bridge in a namespace of its own; its ports are named after the hosts. In every host the interface is
 * `eth0`.
 */
import { mkdirSync } from 'node:fs';
import { Janitor, labDirectory, nextLabId } from './janitor.ts';
import { runTool } from './system.ts';

const BRIDGE = 'switch';
const SWITCH = 'switch';
/** The interface's name in every host. */
export const HOST_INTERFACE = 'eth0';

/** Frames that the switch drops. */
export interface Cut {
  readonly from: string;
  readonly to: string;
  /** `vrrp`: only adverts, as a firewall does that was not told of them. */
  readonly what: 'everything' | 'vrrp';
}

export class Network {
  readonly id = nextLabId();
  /** For files of the lab; removed with it. */
  readonly directory = labDirectory(this.id);
  readonly hosts: string[] = [];
  private readonly janitor = new Janitor(this.id);
  private cuts: readonly Cut[] = [];
  private hasTable = false;

  static async create(): Promise<Network> {
    const network = new Network();
    mkdirSync(network.directory, { mode: 0o755 });
    try {
      await runBatch([], [`netns add ${network.namespace(SWITCH)}`]);
      await network.batch(SWITCH, [
        'link set lo up',
        // No spanning tree, no IGMP snooping: what a switch does not know it floods, as unmanaged ones do.
        `link add ${BRIDGE} type bridge stp_state 0 mcast_snooping 0`,
        `link set ${BRIDGE} up`,
      ]);
    } catch (error) {
      await network.remove();
      throw error;
    }
    return network;
  }

  private constructor() {
    // See `create`.
  }

  namespace(host: string): string {
    return `${this.id}-${host}`;
  }

  /** Runs `ip` in that host. */
  async ip(host: string, args: readonly string[]): Promise<string> {
    return runTool('ip', ['-n', this.namespace(host), ...args]);
  }

  /** Runs these commands of `ip`, one after the other, in that host. */
  async batch(host: string, commands: readonly string[]): Promise<void> {
    await runBatch(['-n', this.namespace(host)], commands);
  }

  /** Adds hosts with these addresses, each with prefix length, on the switch. */
  async addHosts(addresses: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const hosts = Object.keys(addresses);
    this.hosts.push(...hosts);
    const port = (host: string): string => `type veth peer name ${host} netns ${this.namespace(SWITCH)}`;
    await runBatch(
      [],
      hosts.flatMap((host) => {
        const namespace = this.namespace(host);
        return [`netns add ${namespace}`, `link add ${HOST_INTERFACE} netns ${namespace} ${port(host)}`];
      }),
    );
    await this.batch(
      SWITCH,
      hosts.map((host) => `link set dev ${host} master ${BRIDGE} up`),
    );
    await Promise.all(
      hosts.map((host) =>
        this.batch(host, [
          'link set lo up',
          ...addresses[host].map((address) => {
            // The addresses are known to be unique: no waiting for duplicate address detection.
            return `address add ${address} dev ${HOST_INTERFACE}${address.includes(':') ? ' nodad' : ''}`;
          }),
          `link set ${HOST_INTERFACE} up`,
        ]),
      ),
    );
  }

  /** Pulls the cable of a host: it sees that the carrier is gone. */
  async cutLink(host: string): Promise<void> {
    await this.ip(SWITCH, ['link', 'set', 'dev', host, 'down']);
  }

  async joinLink(host: string): Promise<void> {
    await this.ip(SWITCH, ['link', 'set', 'dev', host, 'up']);
  }

  /** Drops these frames from now on, besides those of earlier cuts. The hosts keep their carrier. */
  async cut(cuts: readonly Cut[]): Promise<void> {
    this.cuts = [...this.cuts, ...cuts];
    await this.applyCuts();
  }

  /** Hosts of different groups hear nothing of each other. Hosts of no group hear all. */
  async partition(groups: readonly (readonly string[])[]): Promise<void> {
    const cuts: Cut[] = [];
    for (const group of groups) {
      for (const from of group) {
        for (const other of groups) {
          if (other !== group) cuts.push(...other.map((to): Cut => ({ from, to, what: 'everything' })));
        }
      }
    }
    await this.cut(cuts);
  }

  /** Cuts this host off from all others; it keeps its carrier, so that it does not see it. */
  async isolate(host: string): Promise<void> {
    await this.partition([[host], this.hosts.filter((other) => other !== host)]);
  }

  /** Ends all cuts, and joins all links. */
  async heal(): Promise<void> {
    this.cuts = [];
    if (this.hasTable) await this.applyCuts();
    for (const host of this.hosts) await this.joinLink(host);
  }

  /** The host whose port the switch would send a frame for this MAC to; null: it does not know, and sends to all. */
  async portOf(mac: string): Promise<string | null> {
    const text = await runTool('bridge', ['-n', this.namespace(SWITCH), '-j', 'fdb', 'show', 'br', BRIDGE]);
    const entries = JSON.parse(text) as { mac: string; ifname: string }[];
    return entries.find((entry) => entry.mac === mac && this.hosts.includes(entry.ifname))?.ifname ?? null;
  }

  /** The MAC that this host sends to for an IPv4 or IPv6 address of the segment; null: it has none. */
  async neighbour(host: string, address: string): Promise<string | null> {
    const text = await this.ip(host, ['-j', 'neighbour', 'show', address]);
    const entries = JSON.parse(text || '[]') as { lladdr?: string }[];
    return entries.find(({ lladdr }) => lladdr !== undefined)?.lladdr ?? null;
  }

  /** Ends every process in the lab, and removes it. Idempotent. */
  async remove(): Promise<void> {
    await this.janitor.clean();
  }

  private async applyCuts(): Promise<void> {
    const rules = this.cuts.map(({ from, to, what }) => {
      const ports = `iifname "${from}" oifname "${to}"`;
      return what === 'vrrp' ? `${ports} meta l4proto 112 drop` : `${ports} drop`;
    });
    const chain = `chain forward {\ntype filter hook forward priority 0;\n${rules.join('\n')}\n}`;
    // One transaction: there is no moment with the old cuts gone and the new ones not there.
    const text = `table bridge lab\ndelete table bridge lab\ntable bridge lab {\n${chain}\n}\n`;
    await runTool('ip', ['netns', 'exec', this.namespace(SWITCH), 'nft', '-f', '-'], text);
    this.hasTable = true;
  }
}

/** Many commands in one process: a lab is built of some fifty. */
async function runBatch(options: readonly string[], commands: readonly string[]): Promise<void> {
  await runTool('ip', [...options, '-batch', '-'], `${commands.join('\n')}\n`);
}

/**
 * The rules of `forward: dsr`: packets go to a server as they are, by its hardware address, and it answers the client directly. What
 * `nft list table ip NAME` shows of them (`ip6` has the same):
 *
 *     map web-4-dsr, kept-..., flows-4                   # as in the table of family inet (forwarding-rules.ts), without ports of servers
 *     map begun-4 { type ipv4_addr . inet_service . ipv4_addr . inet_service . inet_proto : ipv4_addr; timeout 1m }
 *     map known-4 { likewise; timeout 3h }
 *     map ended-4 { likewise; timeout 2m }
 *     chain prerouting {
 *       type filter hook prerouting priority raw
 *       ct state invalid  ip daddr . meta l4proto . th dport @services-4  meta l4proto tcp jump connections
 *       ...
 *     }
 *     chain connections {
 *       tcp flags & (fin | rst) == 0  # its connection is in @known-4:  update @known-4  dup to its server  drop
 *       ...
 *     }
 *
 * Of answers nothing is seen here, so connection tracking would take each connection for one that nobody answers. What it would know is
 * in three maps: a connection **begins** with its first segment, is **known** when another one follows, and has **ended** when its client says so. Each has
 * its server, whatever becomes of buckets. They outlive everything else in these tables (`replaceDirect`), as connection tracking outlives the other ones.
 *
 * `dup to` sends a copy by the way that leads to the server's own address: so the kernel finds its hardware address, and follows it. The
 * rules name connection tracking, and so the kernel puts fragments together before they are asked.
 */
import { addressBytes } from '../../../base/address.ts';
import { BUCKET_SEED } from '../../../base/packet-bucket.ts';
import type { BucketMap, Buckets, ForwardedFlow, ForwardedService, ForwardingRules } from '../../../port/forwarding.ts';
import { type Batch, NFPROTO_IPV4, NFPROTO_IPV6, type SetShape } from './batch.ts';
import { FIRST, type NamedSet, quarterAfter, RECEIVER, type RuleWriter, SENDER } from './rule-writer.ts';
import {
  bytesOf,
  connectionType,
  hostType,
  type Family,
  keyOfFlow,
  placeOf,
  placeType,
  PROTOCOLS,
  serverData,
  shapeOfFlows,
  shapeOfMap,
} from './shapes.ts';

const NF_INET_PRE_ROUTING = 0;
const PRIORITY_RAW = -300;
const PREROUTING = { type: 'filter', hook: NF_INET_PRE_ROUTING, priority: PRIORITY_RAW } as const;

/** Connections at one time, of each family. */
const CONNECTIONS_MAX = 1_048_576;

/** What is remembered of connections, for how long after the client's last packet. Keep-alives of Linux begin after two hours. */
const MEMORIES = { begun: 60_000, known: 10_800_000, ended: 120_000 } as const;
export type Memory = keyof typeof MEMORIES;

export const DIRECT_FAMILIES = [
  { family: 4, protocol: NFPROTO_IPV4 },
  { family: 6, protocol: NFPROTO_IPV6 },
] as const;

export function memoryShape(memory: Memory, family: Family, id = 0): SetShape {
  const bytes = bytesOf(family);
  return {
    name: `${memory}-${family}`,
    id,
    keyBytes: connectionBytes(family),
    keyType: connectionType(family),
    dataBytes: bytes,
    dataType: hostType(family),
    size: CONNECTIONS_MAX,
    isDynamic: true,
    timeoutMs: MEMORIES[memory],
  };
}

/** Counts the connections of each server, by its address. */
export function directConnectionsSet(protocol: 'tcp' | 'udp', port: number, family: Family): string {
  return `connections-${protocol}-${port}-${family}`;
}

/**
 * In place of what the table of one family has, but for what it remembers, if that is to stay. `there`: the names of its sets and maps; null: there
 * is no such table.
 */
export function replaceDirect(
  batch: Batch,
  family: Family,
  rules: ForwardingRules,
  buckets: ReadonlyMap<string, Buckets>,
  flows: readonly ForwardedFlow[],
  there: readonly string[] | null,
  staysRemembered: boolean,
): void {
  const services = rules.services.filter(({ forward, address }) => forward === 'dsr' && address.family === family);
  if (services.length === 0) {
    if (there !== null) batch.deleteTable();
    return;
  }
  batch.addTable('');
  if (there === null || !staysRemembered) {
    // To delete what is not there would fail.
    batch.deleteTable();
    batch.addTable('');
  } else {
    batch.deleteRules();
    const remembered = new Set(Object.keys(MEMORIES).map((memory) => `${memory}-${family}`));
    for (const name of there) if (!remembered.has(name)) batch.deleteSet(name);
  }
  const maps = rules.maps.filter((map) => map.directPort !== null && map.family === family);
  new DirectTable(batch, family, services, maps).write(buckets, flows);
}

/** Of a rule. */
type Part = (rule: RuleWriter) => void;

const isFirst: Part = (rule) => rule.isFirstSegment();
const isLater: Part = (rule) => rule.isLaterSegment();
const isLast: Part = (rule) => rule.isLastSegment();
const isNoLast: Part = (rule) => rule.isNoLastSegment();

class DirectTable {
  private readonly batch: Batch;
  private readonly family: Family;
  private readonly services: readonly ForwardedService[];
  private readonly maps: readonly BucketMap[];
  private readonly addressBytes: number;
  /** Where a rule has the server, behind the connection. */
  private readonly server: number;
  private readonly sets = new Map<string, SetShape>();

  constructor(batch: Batch, family: Family, services: readonly ForwardedService[], maps: readonly BucketMap[]) {
    this.batch = batch;
    this.family = family;
    this.services = services;
    this.maps = maps;
    this.addressBytes = bytesOf(family);
    this.server = quarterAfter(connectionBytes(family));
  }

  write(buckets: ReadonlyMap<string, Buckets>, flows: readonly ForwardedFlow[]): void {
    const { batch } = this;
    this.addSets(buckets, flows);
    for (const chain of ['services', 'connections', 'datagrams', 'errors']) batch.addChain(chain, null);
    batch.addChain('prerouting', PREROUTING);
    for (const protocol of ['tcp', 'udp'] as const) {
      batch.addRule('prerouting', (rule) => {
        rule.isInvalid();
        rule.loadPlace(RECEIVER, this.addressBytes);
        rule.isIn(this.set('services'));
        rule.isOfProtocol(PROTOCOLS[protocol]);
        rule.jump(protocol === 'tcp' ? 'connections' : 'datagrams');
      });
    }
    batch.addRule('prerouting', (rule) => {
      rule.isTooLarge(this.addressBytes);
      rule.jump('errors');
    });
    this.addTcp();
    this.addUdp();
    for (const memory of ['known', 'begun', 'ended']) {
      batch.addRule('errors', (rule) => {
        rule.loadQuotedConnection(this.addressBytes);
        rule.find(this.set(memory), this.server);
        rule.sendTo(this.server);
      });
    }
    for (const service of this.services) {
      batch.addRule('services', (rule) => {
        this.isFor(rule, service);
        if (service.protocol === 'tcp') rule.isFirstSegment();
        this.choose(rule, service, service.map, FIRST);
        rule.loadValue(addressBytes(service.address), this.server);
        rule.readBack(FIRST, this.addressBytes, this.server);
        rule.isIn(this.sets.get(directConnectionsSet(service.protocol, service.address.port, this.family))!);
        rule.count();
        rule.sendTo(FIRST);
      });
    }
  }

  // --- sets ---

  private addSets(buckets: ReadonlyMap<string, Buckets>, flows: readonly ForwardedFlow[]): void {
    const { batch, family, addressBytes, services } = this;
    const dataOf = serverData(true);
    for (const map of this.maps) {
      const shape = this.addSet(shapeOfMap(map, this.sets.size + 1));
      const owners = buckets.get(map.name) ?? [];
      const filled = Uint32Array.from(owners.keys()).filter((bucket) => owners[bucket] !== null);
      batch.addNumbered(shape, filled, (i) => dataOf(owners[filled[i]]!));
    }
    for (const memory of Object.keys(MEMORIES)) {
      this.addSet(memoryShape(memory as Memory, family, this.sets.size + 1));
    }
    const shape = this.addSet(shapeOfFlows(family, true, this.sets.size + 1));
    const own = flows.filter(({ service }) => services.some(({ address }) => isSameEnd(address, service)));
    batch.addElements(
      shape,
      own.map(keyOfFlow),
      own.map(({ server }) => dataOf(server)),
    );
    const keys = services.map(({ protocol, address }) => placeOf(protocol, address));
    const keyBytes = addressBytes + 8;
    const places = { name: `services-${family}`, id: this.sets.size + 1, keyBytes, keyType: placeType(family) };
    batch.addElements(this.addSet({ ...places, size: keys.length }), keys);
    for (const { protocol, address } of services) {
      const name = directConnectionsSet(protocol, address.port, family);
      if (this.sets.has(name)) continue;
      const own = services.filter((one) => one.protocol === protocol && one.address.port === address.port);
      const hosts = own
        .flatMap(({ servers }) => servers)
        .map((server): [string, Uint8Array] => [server.host, dataOf(server)]);
      const keys = [...new Map(hosts).values()];
      const counted = {
        name,
        id: this.sets.size + 1,
        keyBytes: addressBytes,
        keyType: hostType(family),
        isCounted: true,
      };
      batch.addElements(this.addSet({ ...counted, size: Math.max(1, keys.length) }), keys);
    }
  }

  private addSet(shape: SetShape): SetShape {
    this.batch.addSet(shape);
    this.sets.set(shape.name, shape);
    return shape;
  }

  /** One of each family. */
  private set(name: string): NamedSet {
    return this.sets.get(`${name}-${this.family}`)!;
  }

  // --- packets ---

  private addTcp(): void {
    const { batch, server, services } = this;
    const [begun, known, ended] = (['begun', 'known', 'ended'] as const).map((memory) => this.set(memory));
    // What one rule keeps, the next one sends on: it is sent all the same where there is no room for it.
    const add = (...parts: readonly Part[]): void =>
      batch.addRule('connections', (rule) => parts.forEach((write) => write(rule)));
    const isIn =
      (memory: NamedSet): Part =>
      (rule) => {
        rule.loadConnection(this.addressBytes);
        rule.find(memory, server);
      };
    const keep =
      (memory: NamedSet): Part =>
      (rule) =>
        this.keep(rule, memory);
    const forget =
      (memory: NamedSet): Part =>
      (rule) => {
        this.readBack(rule);
        rule.forget(memory, server);
      };
    const send: Part = (rule) => rule.sendTo(server);

    // A client that begins anew from the same port may have another server.
    for (const memory of [known, ended, begun]) add(isFirst, isIn(memory), forget(memory));
    add(isNoLast, isIn(known), keep(known), send);
    add(isLast, isLater, isIn(known), keep(ended));
    add(isLast, isLater, isIn(known), forget(known));
    add(isLater, isIn(ended), keep(ended), send);
    add(isNoLast, isLater, isIn(begun), keep(known));
    add(isLater, isIn(begun), send);
    const flows = this.sets.get(shapeOfFlows(this.family, true).name)!;
    for (const last of [keep(begun), send]) add(isLater, isIn(flows), last);
    const own = services.filter(({ protocol }) => protocol === 'tcp');
    const byBucket =
      (service: ForwardedService, map: string): Part =>
      (rule) => {
        this.isFor(rule, service);
        rule.loadConnection(this.addressBytes);
        this.choose(rule, service, map, server);
      };
    for (const service of own) {
      if (service.kept === null) continue;
      for (const last of [keep(begun), send]) add(isLater, byBucket(service, service.kept), last);
    }
    for (const service of own) add(byBucket(service, service.map), keep(begun));
    add(isFirst, (rule) => rule.jump('services'));
    for (const service of own) add(isLater, byBucket(service, service.map), send);
  }

  private addUdp(): void {
    const { batch, server, services } = this;
    const begun = this.set('begun');
    batch.addRule('datagrams', (rule) => {
      rule.loadConnection(this.addressBytes);
      rule.find(begun, server);
      this.keep(rule, begun);
      rule.sendTo(server);
    });
    for (const service of services) {
      if (service.protocol !== 'udp') continue;
      batch.addRule('datagrams', (rule) => {
        this.isFor(rule, service);
        rule.loadConnection(this.addressBytes);
        this.choose(rule, service, service.map, server);
        this.keep(rule, begun);
      });
    }
    batch.addRule('datagrams', (rule) => rule.jump('services'));
  }

  // --- parts of rules ---

  /** The connection and its server are loaded. */
  private keep(rule: RuleWriter, memory: NamedSet): void {
    this.readBack(rule);
    rule.keep(memory, this.server);
  }

  /** Likewise. */
  private readBack(rule: RuleWriter): void {
    rule.readBack(this.server, this.addressBytes, quarterAfter(this.addressBytes + 4));
  }

  private isFor(rule: RuleWriter, { protocol, address }: ForwardedService): void {
    rule.isOfProtocol(PROTOCOLS[protocol]);
    rule.isTo(addressBytes(address), address.port);
  }

  /** What the map has for the client's bucket. The sender is loaded, or what begins with it. */
  private choose(rule: RuleWriter, { by }: ForwardedService, map: string, into: number): void {
    const { size } = this.maps.find(({ name }) => name === map)!;
    if (into === FIRST) rule.loadEnd(SENDER, this.addressBytes);
    rule.hash(by === 'source' ? this.addressBytes : this.addressBytes + 4, size, BUCKET_SEED, into);
    rule.replaceBy(this.sets.get(map)!, into);
  }
}

export function connectionBytes(family: Family): number {
  return 2 * (bytesOf(family) + 4) + 4;
}

function isSameEnd(
  a: { readonly host: string; readonly port: number },
  b: { readonly host: string; readonly port: number },
): boolean {
  return a.host === b.host && a.port === b.port;
}

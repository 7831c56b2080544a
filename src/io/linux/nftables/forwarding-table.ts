/** `port/forwarding.ts` by one nf_tables table. It is nobody else's, and no other one is read or touched. */
import { type Address, addressText, formatIP } from '../../../base/address.ts';
import type { Forward } from '../../../base/forward.ts';
import type {
  BucketChange,
  BucketMap,
  Buckets,
  ForwardedCounts,
  ForwardedFlow,
  ForwardedService,
  Forwarder,
  ForwardingRules,
  TrackedFlow,
} from '../../../port/forwarding.ts';
import * as libc from '../libc.ts';
import { findAttribute, NetlinkWriter, readAttributes, readU32 } from '../segment/netlink-message.ts';
import { NETLINK_NETFILTER, NetlinkRequests } from '../segment/netlink-socket.ts';
import { Batch, nftablesType, NFPROTO_INET } from './batch.ts';
import { ConntrackTable } from './conntrack.ts';
import { DIRECT_FAMILIES, directConnectionsSet, replaceDirect } from './direct-rules.ts';
import { DirectConnections } from './direct-connections.ts';
import { connectionsSet, isTranslating, replacingBatch } from './forwarding-rules.ts';
import { listOf, TableReader, text, valueIn } from './table-reader.ts';
import { TrackingSettings } from './tracking-settings.ts';
import {
  bytesOf,
  dataOfPort,
  type Family,
  keyOfFlow,
  keyOfPort,
  PROTOCOLS,
  serverData,
  shapeOfFlows,
  shapeOfMap,
  shapeOfPorts,
} from './shapes.ts';

const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_SET_ELEM_EXPR = 7;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_COUNTER_PACKETS = 2;

export class ForwardingTable implements Forwarder {
  private readonly requests = new NetlinkRequests(NETLINK_NETFILTER);
  private readonly conntrack = new ConntrackTable(this.requests);
  private readonly reader: TableReader;
  private readonly direct: DirectConnections;
  private readonly settings = new TrackingSettings();
  private readonly name: string;
  refusedSettings: readonly string[] = [];
  private rules: ForwardingRules = { services: [], maps: [] };
  /** Of every part of the table. Null: it may have been changed while it was made. */
  private handles: string | null = null;
  /** Of all tables, when ours was looked at last. */
  private generation = -1;

  constructor(name: string) {
    this.name = name;
    this.reader = new TableReader(this.requests, name);
    this.direct = new DirectConnections(this.requests, name);
  }

  replace(
    rules: ForwardingRules,
    buckets: ReadonlyMap<string, Buckets>,
    flows: readonly ForwardedFlow[],
  ): string | null {
    const before = this.readGeneration();
    // What is remembered in another shape, by another version, cannot stay.
    const reason =
      this.sendAll(rules, buckets, flows, true) === null ? null : this.sendAll(rules, buckets, flows, false);
    if (reason !== null) return reason;
    this.refusedSettings = this.settings.apply();
    this.rules = rules;
    const handles = this.reader.handles();
    this.generation = this.readGeneration();
    // What others have changed meanwhile may be this table.
    const isAlone = before !== -1 && this.generation === before + 1;
    this.handles = isAlone ? handles : null;
    return null;
  }

  private sendAll(
    rules: ForwardingRules,
    buckets: ReadonlyMap<string, Buckets>,
    flows: readonly ForwardedFlow[],
    staysRemembered: boolean,
  ): string | null {
    const batch = replacingBatch(this.name, this.settings.comment, rules, buckets, flows);
    for (const { family, protocol } of DIRECT_FAMILIES) {
      const there = this.reader.setNames(protocol);
      batch.turnTo(protocol);
      replaceDirect(batch, family, rules, buckets, flows, there, staysRemembered);
    }
    return this.send(batch);
  }

  change(map: BucketMap, changes: readonly BucketChange[]): string | null {
    const batch = new Batch(this.name, tableFamily(map.family, map.directPort !== null));
    const shape = shapeOfMap(map);
    const come = changes.filter(({ to }) => to !== null);
    const dataOf = serverData(map.directPort !== null);
    batch.deleteNumbered(shape, numbersOf(changes.filter(({ from }) => from !== null)));
    batch.addNumbered(shape, numbersOf(come), (i) => dataOf(come[i].to!));
    return this.sendChange(batch);
  }

  changeFlows(added: readonly ForwardedFlow[], removed: readonly ForwardedFlow[]): string | null {
    const batch = new Batch(this.name);
    for (const { family } of DIRECT_FAMILIES) {
      const isMasked = ({ service, via }: ForwardedFlow): boolean => service.family === family && via !== null;
      batch.turnTo(NFPROTO_INET);
      batch.deleteElements(shapeOfPorts(family), removed.filter(isMasked).map(keyOfPort));
      const masked = added.filter(isMasked);
      batch.addElements(shapeOfPorts(family), masked.map(keyOfPort), masked.map(dataOfPort));
      for (const isDirect of [false, true]) {
        const isMeant = (flow: ForwardedFlow): boolean =>
          flow.service.family === family && this.isForwarded(flow.service, 'dsr') === isDirect;
        const shape = shapeOfFlows(family, isDirect);
        const dataOf = serverData(isDirect);
        batch.turnTo(tableFamily(family, isDirect));
        batch.deleteElements(shape, removed.filter(isMeant).map(keyOfFlow));
        const come = added.filter(isMeant);
        batch.addElements(
          shape,
          come.map(keyOfFlow),
          come.map(({ server }) => dataOf(server)),
        );
      }
    }
    return this.sendChange(batch);
  }

  *flowsOf(service: Address): Generator<undefined, readonly TrackedFlow[]> {
    // Others ask meanwhile.
    const requests = new NetlinkRequests(NETLINK_NETFILTER);
    try {
      if (this.isForwarded(service, 'dsr')) return yield* new DirectConnections(requests, this.name).flowsOf(service);
      const isMasked = this.isForwarded(service, 'snat');
      return yield* new ConntrackTable(requests).flowsOf(service, isMasked);
    } finally {
      requests.close();
    }
  }

  private sendChange(batch: Batch): string | null {
    const reason = this.send(batch);
    // Unless somebody else has changed something in between, there is nothing to verify.
    const generation = this.readGeneration();
    if (reason === null && generation === this.generation + 1) this.generation = generation;
    return reason;
  }

  verify(maps: ReadonlyMap<string, Buckets>): string | null {
    const generation = this.readGeneration();
    if (this.handles !== null && generation === this.generation) return null;
    const handles = this.reader.handles();
    if (handles === null) return null;
    if (handles === '') return 'it is gone';
    if (this.handles === null) return 'others have changed tables while it was made';
    if (handles !== this.handles) return 'its rules were changed';
    for (const map of this.rules.maps) {
      const there = this.readBuckets(map);
      if (there === null) return null;
      const wanted = maps.get(map.name) ?? [];
      if (there.some((server, bucket) => !isSame(server, wanted[bucket] ?? null)))
        return `its map ${map.name} was changed`;
    }
    this.generation = generation;
    return null;
  }

  adopt(maps: readonly BucketMap[]): ReadonlyMap<string, Buckets> | null {
    const handles = this.reader.handles() ?? this.reader.handles();
    if (handles === null || handles === '') return null;
    this.settings.recall(this.reader.comment());
    const found = new Map<string, Buckets>();
    for (const map of maps) {
      const buckets = this.readBuckets(map);
      if (buckets !== null) found.set(map.name, buckets);
    }
    return found;
  }

  counts(): ForwardedCounts | null {
    const { services } = this.rules;
    const counted = new Map<ForwardedService, number>();
    const servers = new Map<string, number>();
    const read = (table: number, own: readonly ForwardedService[]): boolean => {
      let at = 0;
      if (own.length === 0) return true;
      return this.reader.rules(table, 'services', (attributes) => {
        counted.set(own[at++], packetsIn(attributes.get(NFTA_RULE_EXPRESSIONS)));
      });
    };
    if (!read(NFPROTO_INET, services.filter(isTranslating))) return null;
    for (const { family, protocol } of DIRECT_FAMILIES) {
      const own = services.filter(({ address }) => address.family === family);
      const direct = own.filter((service) => !isTranslating(service));
      if (!read(protocol, direct)) return null;
      if (own.length > 0 && !this.countServers(servers, family)) return null;
      if (!this.countDirectServers(servers, family, direct)) return null;
    }
    return { services: services.map((service) => counted.get(service) ?? 0), servers };
  }

  private countServers(servers: Map<string, number>, family: Family): boolean {
    const bytes = bytesOf(family);
    return this.reader.elements(NFPROTO_INET, connectionsSet(family), (key, element) => {
      const protocol = key[bytes] === PROTOCOLS.tcp ? 'tcp' : 'udp';
      const port = (key[bytes + 4] << 8) | key[bytes + 5];
      addCount(servers, protocol, { family, host: formatIP(key.subarray(0, bytes)), port }, element);
    });
  }

  private countDirectServers(
    servers: Map<string, number>,
    family: Family,
    services: readonly ForwardedService[],
  ): boolean {
    const sets = new Map(
      services.map(({ protocol, address: { port } }) => {
        return [directConnectionsSet(protocol, port, family), { protocol, port }] as const;
      }),
    );
    return [...sets].every(([name, { protocol, port }]) =>
      this.reader.elements(tableFamily(family, true), name, (key, element) => {
        addCount(servers, protocol, { family, host: formatIP(key), port }, element);
      }),
    );
  }

  forget(protocol: 'tcp' | 'udp', server: Address): number {
    return this.conntrack.forgetServer(protocol, server) + this.direct.forgetServer(protocol, server);
  }

  forgetService(protocol: 'tcp' | 'udp', service: Address): number {
    return this.conntrack.forgetService(protocol, service) + this.direct.forgetService(protocol, service);
  }

  remove(): void {
    const batch = new Batch(this.name);
    batch.deleteTable();
    for (const { protocol } of DIRECT_FAMILIES) {
      if (this.reader.setNames(protocol) === null) continue;
      batch.turnTo(protocol);
      batch.deleteTable();
    }
    this.send(batch);
    this.settings.restore();
  }

  close(): void {
    this.requests.close();
  }

  private isForwarded(service: Address, forward: Forward): boolean {
    return this.rules.services.some((one) => isSame(one.address, service) && one.forward === forward);
  }

  private send(batch: Batch): string | null {
    let reason: string | null = null;
    this.requests.change(batch.finished(), (_, error) => {
      // All or nothing: the first error is the reason for those that follow.
      reason ??= explain(libc.errorName(error));
    });
    return reason;
  }

  private readGeneration(): number {
    const writer = new NetlinkWriter();
    writer.begin(nftablesType(NFT_MSG_GETGEN), 0, new Uint8Array(4));
    let generation = -1;
    this.requests.ask(writer.finished(), (bytes, message) => {
      const id = readAttributes(bytes, message.start + 4, message.end).get(NFTA_GEN_ID);
      if (id !== undefined) generation = new DataView(id.buffer, id.byteOffset).getUint32(0);
    });
    return generation;
  }

  /** Null: the map is not there, or was read while it changed. */
  private readBuckets(map: BucketMap): Buckets | null {
    const { family, directPort } = map;
    const bytes = bytesOf(family);
    const buckets = new Array<Address | null>(map.size).fill(null);
    const known = new Map<string, Address>();
    const isWhole = this.reader.elements(tableFamily(family, directPort !== null), map.name, (key, element) => {
      const value = valueIn(element, NFTA_SET_ELEM_DATA);
      if (value === undefined || value.length < bytes) return;
      const name = String.fromCharCode(...value);
      let server = known.get(name);
      if (server === undefined) {
        const port = directPort ?? (value[bytes] << 8) | value[bytes + 1];
        server = { family, host: formatIP(value.subarray(0, bytes)), port };
        known.set(name, server);
      }
      buckets[readU32(key)] = server;
    });
    return isWhole ? buckets : null;
  }
}

/** In which the map is. */
function tableFamily(family: Family, isDirect: boolean): number {
  return isDirect ? DIRECT_FAMILIES.find((one) => one.family === family)!.protocol : NFPROTO_INET;
}

function numbersOf(changes: readonly BucketChange[]): number[] {
  return changes.map(({ bucket }) => bucket);
}

function explain(error: string): string {
  if (error === 'EPERM') return 'evenkeel may not change them; it needs CAP_NET_ADMIN, as root has it';
  // What a module has that is not there, or not in this kernel.
  if (error === 'EOPNOTSUPP' || error === 'ENOENT' || error === 'EPROTONOSUPPORT')
    return `it lacks a part of nf_tables (${error}); it takes nft_chain_nat, nft_hash, nft_fib_inet, nft_ct and nft_reject_inet, of Linux 5.13 or later`;
  return error;
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === b || (a !== null && b !== null && a.host === b.host && a.port === b.port);
}

function addCount(servers: Map<string, number>, protocol: string, server: Address, element: Uint8Array): void {
  const name = `${protocol} ${addressText(server)}`;
  const counter = findAttribute(element, NFTA_SET_ELEM_EXPR);
  servers.set(name, (servers.get(name) ?? 0) + (counter === undefined ? 0 : counterOf(counter)));
}

/** Of the first counter among the expressions of a rule. */
function packetsIn(expressions: Uint8Array | undefined): number {
  if (expressions === undefined) return 0;
  for (const expression of listOf(expressions)) {
    if (text(findAttribute(expression, NFTA_EXPR_NAME)) === 'counter') return counterOf(expression);
  }
  return 0;
}

function counterOf(expression: Uint8Array): number {
  const data = findAttribute(expression, NFTA_EXPR_DATA);
  const packets = data === undefined ? undefined : findAttribute(data, NFTA_COUNTER_PACKETS);
  return packets === undefined ? 0 : Number(new DataView(packets.buffer, packets.byteOffset).getBigUint64(0));
}

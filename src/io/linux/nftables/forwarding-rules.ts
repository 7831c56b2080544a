/**
 * The rules of kernel mode. What `nft list table inet NAME` shows of them, for IPv4:
 *
 *     map ssh-4 { type mark : ipv4_addr . inet_service; size 16361 }               # by bucket: its server
 *     map replies-4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }   # by server: its service
 *     map ssh-4-kept { type mark : ipv4_addr . inet_service; size 16361 }          # by bucket, where it differs from ssh-4
 *     map flows-4 { type ipv4_addr . inet_service . ipv4_addr . inet_service : ipv4_addr . inet_service }   # connections, by both ends
 *     set servers-4 { type ipv4_addr . inet_proto . inet_service }
 *     set connections-4 { type ipv4_addr . inet_proto . inet_service; counter }
 *     set services-4 { type ipv4_addr . inet_proto . inet_service }
 *     chain known {
 *       tcp flags & (syn | ack) != syn dnat ip to ip saddr . tcp sport . ip daddr . tcp dport map @flows-4
 *       ip daddr 192.0.2.10 tcp dport 22 tcp flags & (syn | ack) != syn dnat ip to jhash ... map @ssh-4-kept
 *     }
 *     chain services {
 *       ip daddr 192.0.2.10 tcp dport 22 counter dnat ip to jhash ip saddr . tcp sport mod 16361 seed ... map @ssh-4
 *     }
 *     chain prerouting { type nat hook prerouting priority dstnat; jump known; jump services }
 *     chain output { type nat hook output priority dstnat; fib daddr type local jump known; fib daddr type local jump services }
 *     chain postrouting {
 *       type nat hook postrouting priority srcnat
 *       ct status dnat ip daddr . meta l4proto . th dport @connections-4 accept
 *       ct direction original snat ip to ip saddr . meta l4proto . th sport map @replies-4
 *     }
 *     chain forward { type filter hook forward priority filter; ip saddr . meta l4proto . th sport @servers-4 ct state invalid drop }
 *     chain input {
 *       type filter hook input priority filter
 *       ip daddr . meta l4proto . th dport @services-4 tcp flags & (syn | ack) == syn reject with tcp reset
 *       ip daddr . meta l4proto . th dport @services-4 drop
 *     }
 *
 * Rules of type nat see the first packet of a connection that connection tracking does not know, and it does the same to the rest. After a takeover
 * any packet may be that first one. The client's goes by its connection (`flows-4`) or its bucket (core/forwarding/continuity.ts); a server's says itself where it belongs (`replies-4`). What no rule
 * could translate must reach nobody: a client would reset what comes from an address that it does not know, and this machine's
 * own stack would reset what is for no socket of its own.
 */
import { type Address, addressBytes } from '../../../base/address.ts';
import { BUCKET_SEED } from '../../../base/packet-bucket.ts';
import type { BucketMap, Buckets, ForwardedFlow, ForwardedService, ForwardingRules } from '../../../port/forwarding.ts';
import { Batch, NFPROTO_IPV4, NFPROTO_IPV6, type SetShape } from './batch.ts';
import { type NamedSet, RECEIVER, type RuleWriter, SENDER } from './rule-writer.ts';

const NF_INET_PRE_ROUTING = 0;
const NF_INET_LOCAL_IN = 1;
const NF_INET_FORWARD = 2;
const NF_INET_LOCAL_OUT = 3;
const NF_INET_POST_ROUTING = 4;
const PRIORITY_DSTNAT = -100;
const PRIORITY_FILTER = 0;
const PRIORITY_SRCNAT = 100;
const NF_DROP = 0;
const NF_ACCEPT = 1;
export const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** How `nft` shows the parts of keys and values. */
const TYPE_MARK = 19;
const TYPE_ADDRESS = { 4: 7, 6: 8 } as const;
const TYPE_PROTOCOL = 12;
const TYPE_PORT = 13;

const SERVICES_CHAIN = 'services';
const KNOWN_CHAIN = 'known';
/** In a map of connections, of all services. */
const FLOWS_MAX = 65_536;

type Family = 4 | 6;

/** Counts the connections of each server. */
export function connectionsSet(family: Family): string {
  return `connections-${family}`;
}

/** Everything, in place of whatever there is. */
export function replacingBatch(
  table: string,
  comment: string,
  { services, maps }: ForwardingRules,
  buckets: ReadonlyMap<string, Buckets>,
  flows: readonly ForwardedFlow[],
): Batch {
  const batch = new Batch(table);
  // To delete what is not there would fail.
  batch.addTable(comment);
  batch.deleteTable();
  batch.addTable(comment);
  let id = 0;
  const sets = new Map<string, SetShape>();
  for (const map of maps) {
    const shape = shapeOfMap(map, ++id);
    sets.set(map.name, shape);
    batch.addSet(shape);
    const there = buckets.get(map.name) ?? [];
    const filled = Uint32Array.from(there.keys()).filter((bucket) => there[bucket] !== null);
    const endOf = rememberedEnds();
    batch.addNumbered(shape, filled, (i) => endOf(there[filled[i]]!));
  }
  batch.addChain(KNOWN_CHAIN, null);
  for (const family of [4, 6] as const) {
    if (!services.some(({ kept, address }) => kept !== null && address.family === family)) continue;
    const shape = shapeOfFlows(family, ++id);
    batch.addSet(shape);
    const own = flows.filter(({ service }) => service.family === family);
    batch.addElements(shape, own.map(keyOfFlow), own.map(dataOfFlow));
    batch.addRule(KNOWN_CHAIN, (rule) => writeFlows(rule, family, shape));
  }
  for (const service of services) {
    if (service.kept === null) continue;
    const map = maps.find(({ name }) => name === service.kept)!;
    batch.addRule(KNOWN_CHAIN, (rule) => {
      writeReceiver(rule, service);
      rule.isLaterSegment();
      writeChoice(rule, service, map, sets.get(map.name)!);
    });
  }
  batch.addChain(SERVICES_CHAIN, null);
  for (const service of services) {
    const map = maps.find(({ name }) => name === service.map)!;
    batch.addRule(SERVICES_CHAIN, (rule) => {
      writeReceiver(rule, service);
      rule.count();
      writeChoice(rule, service, map, sets.get(map.name)!);
    });
  }
  batch.addChain('prerouting', { type: 'nat', hook: NF_INET_PRE_ROUTING, priority: PRIORITY_DSTNAT });
  for (const chain of [KNOWN_CHAIN, SERVICES_CHAIN]) batch.addRule('prerouting', (rule) => rule.jump(chain));
  // Of this machine's own connections only those for itself: a standby does not get in its peer's way.
  batch.addChain('output', { type: 'nat', hook: NF_INET_LOCAL_OUT, priority: PRIORITY_DSTNAT });
  for (const chain of [KNOWN_CHAIN, SERVICES_CHAIN]) {
    batch.addRule('output', (rule) => {
      rule.isToThisMachine();
      rule.jump(chain);
    });
  }
  batch.addChain('postrouting', { type: 'nat', hook: NF_INET_POST_ROUTING, priority: PRIORITY_SRCNAT });
  batch.addChain('forward', { type: 'filter', hook: NF_INET_FORWARD, priority: PRIORITY_FILTER });
  batch.addChain('input', { type: 'filter', hook: NF_INET_LOCAL_IN, priority: PRIORITY_FILTER });
  for (const family of [4, 6] as const) {
    const own = services.filter(({ address }) => address.family === family);
    if (own.length > 0) writeFamily(batch, family, own, () => ++id);
  }
  return batch;
}

export function shapeOfMap({ name, family, size }: BucketMap, id = 0): SetShape {
  const bytes = bytesOf(family);
  return {
    name,
    id,
    keyBytes: 4,
    keyType: TYPE_MARK,
    hasNumbers: true,
    size,
    dataBytes: bytes + 4,
    dataType: (TYPE_ADDRESS[family] << 6) | TYPE_PORT,
  };
}

/** Both ends of a connection, and its server. */
export function shapeOfFlows(family: Family, id = 0): SetShape {
  const bytes = bytesOf(family);
  const end = (TYPE_ADDRESS[family] << 6) | TYPE_PORT;
  const types = { keyType: (end << 12) | end, dataType: end };
  return { name: `flows-${family}`, id, keyBytes: 2 * (bytes + 4), ...types, size: FLOWS_MAX, dataBytes: bytes + 4 };
}

export function keyOfFlow({ client, service }: ForwardedFlow): Uint8Array {
  return Uint8Array.of(...endOf(client), ...endOf(service));
}

export function dataOfFlow({ server }: ForwardedFlow): Uint8Array {
  return endOf(server);
}

function writeFlows(rule: RuleWriter, family: Family, flows: NamedSet): void {
  rule.isOfFamily(protocolFamily(family));
  rule.isOfProtocol(PROTOCOLS.tcp);
  rule.isLaterSegment();
  rule.loadEnds(bytesOf(family));
  rule.replaceBy(flows);
  rule.translate('receiver', bytesOf(family), protocolFamily(family));
}

function writeReceiver(rule: RuleWriter, { address, protocol }: ForwardedService): void {
  rule.isOfFamily(protocolFamily(address.family === 6 ? 6 : 4));
  rule.isOfProtocol(PROTOCOLS[protocol]);
  rule.isTo(addressBytes(address), address.port);
}

function writeChoice(rule: RuleWriter, { by }: ForwardedService, map: BucketMap, set: NamedSet): void {
  const bytes = bytesOf(map.family);
  if (by === 'source') rule.loadAddress(SENDER, bytes);
  else rule.loadEnd(SENDER, bytes);
  rule.hash(by === 'source' ? bytes : bytes + 4, map.size, BUCKET_SEED);
  rule.replaceBy(set);
  rule.translate('receiver', bytes, protocolFamily(map.family));
}

function writeFamily(batch: Batch, family: Family, services: readonly ForwardedService[], nextId: () => number): void {
  const bytes = bytesOf(family);
  const keyBytes = bytes + 8;
  const keyType = (((TYPE_ADDRESS[family] << 6) | TYPE_PROTOCOL) << 6) | TYPE_PORT;
  const dataType = (TYPE_ADDRESS[family] << 6) | TYPE_PORT;
  const replies = services.flatMap(({ protocol, address, servers }) =>
    servers.map((server) => ({ key: placeOf(protocol, server), data: endOf(address) })),
  );
  // A server of several services answers the first of them, when it is the one that speaks first.
  const first = [...new Map(replies.toReversed().map((reply) => [reply.key.join(), reply])).values()];
  const size = Math.max(1, first.length);
  const ownServices = { name: `services-${family}`, id: nextId(), keyBytes, keyType, size: services.length };
  const ownServers = { name: `servers-${family}`, id: nextId(), keyBytes, keyType, size };
  const connections = { name: connectionsSet(family), id: nextId(), keyBytes, keyType, size, isCounted: true };
  const repliesMap = {
    name: `replies-${family}`,
    id: nextId(),
    keyBytes,
    keyType,
    size,
    dataBytes: bytes + 4,
    dataType,
  };
  batch.addSet(ownServices);
  batch.addElements(
    ownServices,
    services.map(({ protocol, address }) => placeOf(protocol, address)),
  );
  batch.addSet(ownServers);
  const keys = first.map(({ key }) => key);
  batch.addElements(ownServers, keys);
  batch.addSet(connections);
  batch.addElements(connections, keys);
  batch.addSet(repliesMap);
  batch.addElements(
    repliesMap,
    keys,
    first.map(({ data }) => data),
  );
  const isFrom = (rule: RuleWriter, end: typeof SENDER): void => {
    rule.isOfFamily(protocolFamily(family));
    rule.loadPlace(end, bytes);
  };
  // The keeper's checks of servers come by here too.
  batch.addRule('postrouting', (rule) => {
    rule.isTranslated();
    isFrom(rule, RECEIVER);
    rule.isIn(connections);
    rule.verdict(NF_ACCEPT);
  });
  batch.addRule('postrouting', (rule) => {
    rule.isOriginal();
    isFrom(rule, SENDER);
    rule.replaceBy(repliesMap);
    rule.translate('sender', bytes, protocolFamily(family));
  });
  batch.addRule('forward', (rule) => {
    isFrom(rule, SENDER);
    rule.isIn(ownServers);
    rule.isInvalid();
    rule.verdict(NF_DROP);
  });
  batch.addRule('input', (rule) => {
    isFrom(rule, RECEIVER);
    rule.isIn(ownServices);
    rule.isOfProtocol(PROTOCOLS.tcp);
    rule.isFirstSegment();
    rule.reset();
  });
  batch.addRule('input', (rule) => {
    isFrom(rule, RECEIVER);
    rule.isIn(ownServices);
    rule.verdict(NF_DROP);
  });
}

/** `endOf` of a few addresses, many times. */
export function rememberedEnds(): (address: Address) => Uint8Array {
  const known = new Map<Address, Uint8Array>();
  return (address) => {
    let end = known.get(address);
    if (end === undefined) known.set(address, (end = endOf(address)));
    return end;
  };
}

/** Address and port, as values of maps have them: parts shorter than four bytes are padded. */
function endOf(address: Address): Uint8Array {
  const bytes = addressBytes(address);
  return Uint8Array.of(...bytes, address.port >> 8, address.port & 0xff, 0, 0);
}

/** Address, protocol and port, likewise. */
function placeOf(protocol: 'tcp' | 'udp', address: Address): Uint8Array {
  const bytes = addressBytes(address);
  return Uint8Array.of(...bytes, PROTOCOLS[protocol], 0, 0, 0, address.port >> 8, address.port & 0xff, 0, 0);
}

function bytesOf(family: Family): number {
  return family === 4 ? 4 : 16;
}

export function protocolFamily(family: Family): number {
  return family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

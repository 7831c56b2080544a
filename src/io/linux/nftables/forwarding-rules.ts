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
import { addressBytes } from '../../../base/address.ts';
import { BUCKET_SEED } from '../../../base/packet-bucket.ts';
import type { BucketMap, Buckets, ForwardedFlow, ForwardedService, ForwardingRules } from '../../../port/forwarding.ts';
import { Batch, NFPROTO_IPV4, NFPROTO_IPV6, type SetShape } from './batch.ts';
import {
  bytesOf,
  dataOfPort,
  endOf,
  endType,
  type Family,
  hostType,
  keyOfFlow,
  keyOfPort,
  placeOf,
  placeType,
  PROTOCOLS,
  serverData,
  shapeOfFlows,
  shapeOfMap,
  shapeOfPorts,
} from './shapes.ts';
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

const SERVICES_CHAIN = 'services';
const KNOWN_CHAIN = 'known';

/** Its packets get another receiver here; those of others are sent on before (direct-rules.ts). */
export function isTranslating({ forward }: ForwardedService): boolean {
  return forward !== 'dsr';
}

export function isOf({ service }: ForwardedFlow, { address, protocol }: ForwardedService): boolean {
  return protocol === 'tcp' && address.host === service.host && address.port === service.port;
}

/** Counts the connections of each server. */
export function connectionsSet(family: Family): string {
  return `connections-${family}`;
}

/** Everything, in place of whatever there is. */
export function replacingBatch(
  table: string,
  comment: string,
  rules: ForwardingRules,
  buckets: ReadonlyMap<string, Buckets>,
  flows: readonly ForwardedFlow[],
): Batch {
  const services = rules.services.filter(isTranslating);
  const maps = rules.maps.filter(({ directPort }) => directPort === null);
  const batch = new Batch(table);
  // To delete what is not there would fail.
  batch.addTable(comment);
  batch.deleteTable();
  batch.addTable(comment);
  let id = 0;
  const sets = new Map<string, SetShape>();
  const dataOf = serverData(false);
  for (const map of maps) {
    const shape = shapeOfMap(map, ++id);
    sets.set(map.name, shape);
    batch.addSet(shape);
    const there = buckets.get(map.name) ?? [];
    const filled = Uint32Array.from(there.keys()).filter((bucket) => there[bucket] !== null);
    batch.addNumbered(shape, filled, (i) => dataOf(there[filled[i]]!));
  }
  batch.addChain(KNOWN_CHAIN, null);
  for (const family of [4, 6] as const) {
    if (!services.some(({ kept, address }) => kept !== null && address.family === family)) continue;
    const shape = shapeOfFlows(family, false, ++id);
    batch.addSet(shape);
    const own = flows.filter((flow) => flow.service.family === family && services.some((one) => isOf(flow, one)));
    batch.addElements(
      shape,
      own.map(keyOfFlow),
      own.map(({ server }) => dataOf(server)),
    );
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
    const own = rules.services.filter(({ address }) => address.family === family);
    if (own.length > 0) writeFamily(batch, family, own, flows, () => ++id);
  }
  return batch;
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

function writeFamily(
  batch: Batch,
  family: Family,
  services: readonly ForwardedService[],
  flows: readonly ForwardedFlow[],
  nextId: () => number,
): void {
  const bytes = bytesOf(family);
  const keyBytes = bytes + 8;
  const keyType = placeType(family);
  const dataType = endType(family);
  // A server of several services answers the first of them, when it is the one that speaks first.
  const first = placesOf(services.filter(({ forward }) => forward === 'nat'));
  const size = Math.max(1, first.length);
  const ownServices = { name: `services-${family}`, id: nextId(), keyBytes, keyType, size: services.length };
  const ownServers = { name: `servers-${family}`, id: nextId(), keyBytes, keyType, size };
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
  const counted = placesOf(services.filter(isTranslating)).map(({ key }) => key);
  const countedSize = Math.max(1, counted.length);
  const named = { name: connectionsSet(family), id: nextId() };
  const connections = { ...named, keyBytes, keyType, size: countedSize, isCounted: true };
  batch.addSet(connections);
  batch.addElements(connections, counted);
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
  const masked = services.filter(({ forward }) => forward === 'snat');
  if (masked.length > 0) writeMasked(batch, family, masked, flows, connections, nextId);
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

export function protocolFamily(family: Family): number {
  return family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

/**
 * `forward: snat`. The service's own address is the sender: so servers answer whoever has it. What one of them sends of a connection that is not known here waits until
 * its client says something: this machine's own stack would reset it.
 */
function writeMasked(
  batch: Batch,
  family: Family,
  services: readonly ForwardedService[],
  flows: readonly ForwardedFlow[],
  connections: NamedSet,
  nextId: () => number,
): void {
  const bytes = bytesOf(family);
  const shape = { keyBytes: bytes + 8, keyType: placeType(family) };
  const masked = { name: `masked-${family}`, id: nextId(), ...shape, size: services.length };
  batch.addSet(masked);
  batch.addElements(
    masked,
    services.map(({ protocol, address }) => placeOf(protocol, address)),
  );
  const keys = placesOf(services).map(({ key }) => key);
  const servers = { name: `masked-servers-${family}`, id: nextId(), ...shape, size: Math.max(1, keys.length) };
  batch.addSet(servers);
  batch.addElements(servers, keys);
  const hosts = [...new Map(services.map(({ address }) => [address.host, addressBytes(address)])).values()];
  const addresses = { name: `masked-addresses-${family}`, id: nextId(), keyBytes: bytes, keyType: hostType(family) };
  batch.addSet({ ...addresses, size: hosts.length });
  batch.addElements(addresses, hosts);
  const ports = shapeOfPorts(family, nextId());
  batch.addSet(ports);
  const own = flows.filter((flow) => flow.via !== null && services.some((one) => isOf(flow, one)));
  batch.addElements(ports, own.map(keyOfPort), own.map(dataOfPort));
  const isMasked = (rule: RuleWriter): void => {
    rule.isOfFamily(protocolFamily(family));
    rule.isTranslated();
    rule.loadService(bytes);
    rule.isIn(masked);
  };
  // The peer had to give it another port: who has it there goes on with it.
  batch.addRule('postrouting', (rule) => {
    isMasked(rule);
    rule.isOfProtocol(PROTOCOLS.tcp);
    rule.loadEnds(bytes);
    rule.replaceBy(ports);
    rule.translate('sender', bytes, protocolFamily(family));
  });
  batch.addRule('postrouting', (rule) => {
    isMasked(rule);
    rule.loadPlace(RECEIVER, bytes);
    rule.isIn(connections);
    rule.loadServiceAddress(bytes);
    rule.translateSenderAddress(protocolFamily(family));
  });
  for (const isUnknown of ['isOriginal', 'isInvalid'] as const) {
    batch.addRule('input', (rule) => {
      rule.isOfFamily(protocolFamily(family));
      rule.loadPlace(SENDER, bytes);
      rule.isIn(servers);
      rule.loadAddress(RECEIVER, bytes);
      rule.isIn(addresses);
      rule[isUnknown]();
      rule.verdict(NF_DROP);
    });
  }
}

/** Of all servers, each once: its place, and what it answers for, which is the first that it stands behind. */
function placesOf(
  services: readonly ForwardedService[],
): readonly { readonly key: Uint8Array; readonly data: Uint8Array }[] {
  const all = services.flatMap(({ protocol, address, servers }) =>
    servers.map((server) => ({ key: placeOf(protocol, server), data: endOf(address) })),
  );
  return [...new Map(all.toReversed().map((one) => [one.key.join(), one])).values()];
}

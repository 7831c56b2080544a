/** `port/forwarding.ts` by one nf_tables table. It is nobody else's, and no other one is read or touched. */
import { type Address, addressText, formatIP } from '../../../base/address.ts';
import type {
  BucketChange,
  BucketMap,
  Buckets,
  ForwardedCounts,
  ForwardedFlow,
  Forwarder,
  ForwardingRules,
  TrackedFlow,
} from '../../../port/forwarding.ts';
import * as libc from '../libc.ts';
import {
  findAttribute,
  type NetlinkMessage,
  NetlinkWriter,
  readAttributes,
  readU32,
} from '../segment/netlink-message.ts';
import { NETLINK_NETFILTER, NetlinkRequests } from '../segment/netlink-socket.ts';
import { Batch, nftablesType, NFPROTO_INET } from './batch.ts';
import { ConntrackTable } from './conntrack.ts';
import { TrackingSettings } from './tracking-settings.ts';
import {
  connectionsSet,
  dataOfFlow,
  keyOfFlow,
  PROTOCOLS,
  rememberedEnds,
  replacingBatch,
  shapeOfFlows,
  shapeOfMap,
} from './forwarding-rules.ts';

const NFT_MSG_GETTABLE = 1;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_GETSET = 10;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;

/** Of which attribute of which answer is the table's name, and which is the handle that is never used again. */
const KINDS = [
  { ask: NFT_MSG_GETTABLE, table: 1, handle: 4, name: 1 },
  { ask: NFT_MSG_GETCHAIN, table: 1, handle: 2, name: 3 },
  { ask: NFT_MSG_GETRULE, table: 1, handle: 3, name: 2 },
  { ask: NFT_MSG_GETSET, table: 1, handle: 16, name: 2 },
] as const;

const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_SET_ELEM_EXPR = 7;
const NFTA_DATA_VALUE = 1;
const NFTA_TABLE_FLAGS = 2;
const NFTA_TABLE_USERDATA = 6;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_COUNTER_PACKETS = 2;

export class ForwardingTable implements Forwarder {
  private readonly requests = new NetlinkRequests(NETLINK_NETFILTER);
  private readonly conntrack = new ConntrackTable(this.requests);
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
  }

  replace(
    rules: ForwardingRules,
    buckets: ReadonlyMap<string, Buckets>,
    flows: readonly ForwardedFlow[],
  ): string | null {
    const before = this.readGeneration();
    const reason = this.send(replacingBatch(this.name, this.settings.comment, rules, buckets, flows));
    if (reason !== null) return reason;
    this.refusedSettings = this.settings.apply();
    this.rules = rules;
    const handles = this.readHandles();
    this.generation = this.readGeneration();
    // What others have changed meanwhile may be this table.
    const isAlone = before !== -1 && this.generation === before + 1;
    this.handles = isAlone ? handles : null;
    return null;
  }

  change(map: BucketMap, changes: readonly BucketChange[]): string | null {
    const batch = new Batch(this.name);
    const shape = shapeOfMap(map);
    const come = changes.filter(({ to }) => to !== null);
    const endOf = rememberedEnds();
    batch.deleteNumbered(shape, numbersOf(changes.filter(({ from }) => from !== null)));
    batch.addNumbered(shape, numbersOf(come), (i) => endOf(come[i].to!));
    return this.sendChange(batch);
  }

  changeFlows(added: readonly ForwardedFlow[], removed: readonly ForwardedFlow[]): string | null {
    const batch = new Batch(this.name);
    for (const family of [4, 6] as const) {
      const isOf = ({ service }: ForwardedFlow): boolean => service.family === family;
      const shape = shapeOfFlows(family);
      batch.deleteElements(shape, removed.filter(isOf).map(keyOfFlow));
      const come = added.filter(isOf);
      batch.addElements(shape, come.map(keyOfFlow), come.map(dataOfFlow));
    }
    return this.sendChange(batch);
  }

  *flowsOf(service: Address): Generator<undefined, readonly TrackedFlow[]> {
    // Others ask meanwhile.
    const requests = new NetlinkRequests(NETLINK_NETFILTER);
    try {
      return yield* new ConntrackTable(requests).flowsOf(service);
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
    const handles = this.readHandles();
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
    const handles = this.readHandles() ?? this.readHandles();
    if (handles === null || handles === '') return null;
    this.settings.recall(this.readComment());
    const found = new Map<string, Buckets>();
    for (const map of maps) {
      const buckets = this.readBuckets(map);
      if (buckets !== null) found.set(map.name, buckets);
    }
    return found;
  }

  counts(): ForwardedCounts | null {
    const services: number[] = [];
    const isWhole = this.dump(
      NFT_MSG_GETRULE,
      [
        [1, this.name],
        [NFTA_RULE_CHAIN, 'services'],
      ],
      (attributes) => {
        if (text(attributes.get(1)) !== this.name || text(attributes.get(NFTA_RULE_CHAIN)) !== 'services') return;
        services.push(packetsIn(attributes.get(NFTA_RULE_EXPRESSIONS)));
      },
    );
    if (!isWhole) return null;
    const servers = new Map<string, number>();
    for (const family of [4, 6] as const) {
      if (!this.rules.services.some(({ address }) => address.family === family)) continue;
      const bytes = family === 4 ? 4 : 16;
      const isRead = this.dumpElements(connectionsSet(family), (key, element) => {
        const address = {
          family,
          host: formatIP(key.subarray(0, bytes)),
          port: (key[bytes + 4] << 8) | key[bytes + 5],
        };
        const protocol = key[bytes] === PROTOCOLS.tcp ? 'tcp' : 'udp';
        const counter = findAttribute(element, NFTA_SET_ELEM_EXPR);
        const packets = counter === undefined ? 0 : counterOf(counter);
        servers.set(`${protocol} ${addressText(address)}`, packets);
      });
      if (!isRead) return null;
    }
    return { services, servers };
  }

  forget(protocol: 'tcp' | 'udp', server: Address): number {
    return this.conntrack.forgetServer(protocol, server);
  }

  forgetService(protocol: 'tcp' | 'udp', service: Address): number {
    return this.conntrack.forgetService(protocol, service);
  }

  remove(): void {
    const batch = new Batch(this.name);
    batch.deleteTable();
    this.send(batch);
    this.settings.restore();
  }

  close(): void {
    this.requests.close();
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

  /** Empty: there is no such table. Null: it was read while it changed. */
  private readHandles(): string | null {
    const parts: string[] = [];
    for (const { ask, table, handle, name } of KINDS) {
      const isWhole = this.dump(ask, ask === NFT_MSG_GETTABLE ? [] : [[table, this.name]], (attributes) => {
        if (text(attributes.get(table)) !== this.name) return;
        const flags = ask === NFT_MSG_GETTABLE ? hex(attributes.get(NFTA_TABLE_FLAGS)) : '';
        parts.push(`${ask} ${text(attributes.get(name))} ${hex(attributes.get(handle))} ${flags}`);
      });
      if (!isWhole) return null;
      if (parts.length === 0) return '';
    }
    return parts.join('\n');
  }

  private readComment(): string {
    let comment = '';
    this.dump(NFT_MSG_GETTABLE, [], (attributes) => {
      const userdata = attributes.get(NFTA_TABLE_USERDATA);
      if (text(attributes.get(1)) === this.name && userdata !== undefined) comment = text(userdata.subarray(2));
    });
    return comment;
  }

  /** Null: the map is not there, or was read while it changed. */
  private readBuckets(map: BucketMap): Buckets | null {
    const bytes = map.family === 4 ? 4 : 16;
    const buckets = new Array<Address | null>(map.size).fill(null);
    const known = new Map<string, Address>();
    const isWhole = this.dumpElements(map.name, (key, element) => {
      const value = valueIn(element, NFTA_SET_ELEM_DATA);
      if (value === undefined || value.length < bytes + 2) return;
      const name = String.fromCharCode(...value);
      let server = known.get(name);
      if (server === undefined) {
        const port = (value[bytes] << 8) | value[bytes + 1];
        server = { family: map.family, host: formatIP(value.subarray(0, bytes)), port };
        known.set(name, server);
      }
      buckets[readU32(key)] = server;
    });
    return isWhole ? buckets : null;
  }

  private dumpElements(set: string, handle: (key: Uint8Array, element: Uint8Array) => void): boolean {
    const asked = [
      [NFTA_SET_ELEM_LIST_TABLE, this.name],
      [NFTA_SET_ELEM_LIST_SET, set],
    ] as const;
    return this.dump(NFT_MSG_GETSETELEM, asked, (attributes) => {
      const list = attributes.get(NFTA_SET_ELEM_LIST_ELEMENTS);
      if (list === undefined) return;
      for (const element of listOf(list)) {
        const key = valueIn(element, NFTA_SET_ELEM_KEY);
        if (key !== undefined) handle(key, element);
      }
    });
  }

  private dump(
    type: number,
    asked: readonly (readonly [attribute: number, text: string])[],
    handle: (attributes: ReadonlyMap<number, Uint8Array>) => void,
  ): boolean {
    try {
      return this.requests.dump(
        (writer, flags) => {
          writer.begin(nftablesType(type), flags, Uint8Array.of(NFPROTO_INET, 0, 0, 0));
          for (const [attribute, value] of asked) writer.text(attribute, value);
        },
        (bytes: Uint8Array, { start, end }: NetlinkMessage) => handle(readAttributes(bytes, start + 4, end)),
      );
    } catch {
      return false;
    }
  }
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

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.subarray(0, -1)).toString();
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}

/** What stands in a list, in which all attributes are of one type. */
function* listOf(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4) return;
    yield bytes.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

/** Of the key or the data of an element. */
function valueIn(element: Uint8Array, part: number): Uint8Array | undefined {
  const data = findAttribute(element, part);
  return data === undefined ? undefined : findAttribute(data, NFTA_DATA_VALUE);
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

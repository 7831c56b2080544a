/**
 * Passing on what belongs to a predecessor's connections, while they end: nftables rules of this process's own, made and
 * removed by netlink (nf_tables, nft(8)). What `nft list ruleset` shows of it:
 *
 *     table ip evenkeel-51-2 {           # flags owner: the kernel removes it when this process is gone
 *       set addresses { 192.168.15.3, ... }
 *       set began { size 65535; flags dynamic; }
 *       chain prerouting {
 *         type filter hook prerouting priority raw;
 *         ip daddr @addresses tcp flags & (syn | ack) == syn  add @began { ip saddr . tcp sport }  accept
 *         ip daddr @addresses meta l4proto tcp  ip saddr . tcp sport != @began  dup to 192.168.15.5 device "eth0"  drop
 *       }
 *     }
 *
 * A connection that began here is served here. Whatever else comes for these addresses began at the predecessor, and this
 * kernel would end it by a reset. In front of connection tracking, which knows as little of it. The predecessor answers the
 * client directly.
 */
import * as libc from '../libc.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NetlinkWriter } from './netlink-message.ts';
import { NETLINK_NETFILTER, NetlinkRequests } from './netlink-socket.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NLM_F_APPEND = 0x800;

const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const NF_INET_PRE_ROUTING = 0;
const NF_IP_PRI_RAW = -300;
const NF_DROP = 0;
const NF_ACCEPT = 1;

const NFTA_TABLE_NAME = 1;
const NFTA_TABLE_FLAGS = 2;
const NFT_TABLE_F_OWNER = 2;
const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_FLAGS = 3;
const NFTA_SET_KEY_TYPE = 4;
const NFTA_SET_KEY_LEN = 5;
const NFTA_SET_DESC = 9;
const NFTA_SET_DESC_SIZE = 1;
const NFTA_SET_ID = 10;
const NFT_SET_EVAL = 0x20;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_LIST_SET_ID = 4;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;

const NFT_META_L4PROTO = 16;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_CMP_EQ = 0;
const NFT_DYNSET_OP_ADD = 0;
const NFT_LOOKUP_F_INV = 1;

/** Registers are 16 bytes, or 4 by other numbers: 8 is the first quarter of register 1, 9 the second. */
const VERDICT = 0;
const FIRST = 1;
const SECOND = 2;
const SECOND_QUARTER = 9;

const IPPROTO_TCP = 6;
const TCP_FLAGS_OFFSET = 13;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;

const ADDRESSES: NamedSet = { name: 'addresses', id: 1 };
const BEGAN: NamedSet = { name: 'began', id: 2 };
/** Connections that may begin meanwhile. One more is answered by the predecessor, which still listens. */
const CONNECTIONS_MAX = 65_535;
const CHAIN = 'prerouting';

export interface RelayOptions {
  readonly name: string;
  /** All of one family. */
  readonly addresses: readonly Uint8Array[];
  /** The predecessor's own address, on the segment of that link. */
  readonly peer: Uint8Array;
  readonly linkIndex: number;
}

export class Relay {
  private readonly requests = new NetlinkRequests(NETLINK_NETFILTER);
  private readonly name: string;
  private readonly isV6: boolean;

  /** Null, and told why: the kernel cannot do it. */
  static open(options: RelayOptions, refused: (reason: string) => void): Relay | null {
    const relay = new Relay(options);
    let reason: string | null = null;
    relay.requests.change(makingMessages(options), (_, error) => {
      // All or nothing: the first error is the reason for those that follow.
      reason ??= libc.errorName(error);
    });
    if (reason === null) return relay;
    relay.requests.close();
    refused(reason);
    return null;
  }

  private constructor({ name, peer }: RelayOptions) {
    this.name = name;
    this.isV6 = peer.length === 16;
  }

  close(): void {
    // Told to remove it, the kernel waits for nobody; at the end of a socket that owns a table it would.
    const writer = new NetlinkWriter();
    batch(writer, () => {
      begin(writer, NFT_MSG_DELTABLE, 0, this.isV6);
      writer.text(NFTA_TABLE_NAME, this.name);
    });
    this.requests.change(writer.finished());
    this.requests.close();
  }
}

function makingMessages({ name, addresses, peer, linkIndex }: RelayOptions): Uint8Array {
  const isV6 = peer.length === 16;
  const writer = new NetlinkWriter();
  batch(writer, () => {
    begin(writer, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, isV6);
    writer.text(NFTA_TABLE_NAME, name);
    writer.attribute(NFTA_TABLE_FLAGS, be32(NFT_TABLE_F_OWNER));

    makeSet(writer, name, isV6, ADDRESSES, addresses[0].length, addresses.length, 0);
    fillSet(writer, name, isV6, ADDRESSES, addresses);
    makeSet(writer, name, isV6, BEGAN, peer.length + 4, CONNECTIONS_MAX, NFT_SET_EVAL);

    begin(writer, NFT_MSG_NEWCHAIN, NLM_F_CREATE, isV6);
    writer.text(NFTA_CHAIN_TABLE, name);
    writer.text(NFTA_CHAIN_NAME, CHAIN);
    writer.text(NFTA_CHAIN_TYPE, 'filter');
    writer.attribute(NFTA_CHAIN_POLICY, be32(NF_ACCEPT));
    writer.nest(NFTA_CHAIN_HOOK, () => {
      writer.attribute(NFTA_HOOK_HOOKNUM, be32(NF_INET_PRE_ROUTING));
      writer.attribute(NFTA_HOOK_PRIORITY, be32(NF_IP_PRI_RAW));
    });

    const rule = (expressions: (rule: RuleWriter) => void): void => {
      begin(writer, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, isV6);
      writer.text(NFTA_RULE_TABLE, name);
      writer.text(NFTA_RULE_CHAIN, CHAIN);
      writer.nest(NFTA_RULE_EXPRESSIONS, () => {
        const inner = new RuleWriter(writer, isV6);
        inner.isTcpToAddresses();
        expressions(inner);
      });
    };
    rule((inner) => {
      inner.isFirstSegment();
      inner.loadSender();
      inner.addToBegan();
      inner.verdict(NF_ACCEPT);
    });
    rule((inner) => {
      inner.loadSender();
      inner.hasNotBegun();
      inner.duplicateTo(peer, linkIndex);
      inner.verdict(NF_DROP);
    });
  });
  return writer.finished();
}

/** The number is for what refers to it in the transaction that makes it. */
interface NamedSet {
  readonly name: string;
  readonly id: number;
}

function makeSet(
  writer: NetlinkWriter,
  table: string,
  isV6: boolean,
  { name, id }: NamedSet,
  keyBytes: number,
  size: number,
  flags: number,
): void {
  begin(writer, NFT_MSG_NEWSET, NLM_F_CREATE, isV6);
  writer.text(NFTA_SET_TABLE, table);
  writer.text(NFTA_SET_NAME, name);
  writer.attribute(NFTA_SET_FLAGS, be32(flags));
  writer.attribute(NFTA_SET_KEY_TYPE, be32(0));
  writer.attribute(NFTA_SET_KEY_LEN, be32(keyBytes));
  writer.attribute(NFTA_SET_ID, be32(id));
  writer.nest(NFTA_SET_DESC, () => writer.attribute(NFTA_SET_DESC_SIZE, be32(size)));
}

function fillSet(
  writer: NetlinkWriter,
  table: string,
  isV6: boolean,
  { name, id }: NamedSet,
  keys: readonly Uint8Array[],
): void {
  begin(writer, NFT_MSG_NEWSETELEM, NLM_F_CREATE, isV6);
  writer.text(NFTA_SET_ELEM_LIST_TABLE, table);
  writer.text(NFTA_SET_ELEM_LIST_SET, name);
  writer.attribute(NFTA_SET_ELEM_LIST_SET_ID, be32(id));
  writer.nest(NFTA_SET_ELEM_LIST_ELEMENTS, () => {
    for (const key of keys) {
      writer.nest(NFTA_LIST_ELEM, () => {
        writer.nest(NFTA_SET_ELEM_KEY, () => writer.attribute(NFTA_DATA_VALUE, key));
      });
    }
  });
}

/** The expressions of one rule. Each works on registers that the ones before it have set. */
class RuleWriter {
  private readonly writer: NetlinkWriter;
  private readonly isV6: boolean;

  constructor(writer: NetlinkWriter, isV6: boolean) {
    this.writer = writer;
    this.isV6 = isV6;
  }

  isTcpToAddresses(): void {
    this.payload(NFT_PAYLOAD_NETWORK_HEADER, this.isV6 ? 24 : 16, this.isV6 ? 16 : 4, FIRST);
    this.expression('lookup', { 1: text(ADDRESSES.name), 2: be32(FIRST), 4: be32(ADDRESSES.id) });
    this.expression('meta', { 2: be32(NFT_META_L4PROTO), 1: be32(FIRST) });
    this.compare(FIRST, Uint8Array.of(IPPROTO_TCP));
  }

  /** SYN, and not the answer to one. */
  isFirstSegment(): void {
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, FIRST);
    const mask = dataValue(Uint8Array.of(TCP_SYN | TCP_ACK));
    const xor = dataValue(Uint8Array.of(0));
    this.expression('bitwise', { 1: be32(FIRST), 2: be32(FIRST), 3: be32(1), 4: mask, 5: xor });
    this.compare(FIRST, Uint8Array.of(TCP_SYN));
  }

  /** Address and port, one behind the other. */
  loadSender(): void {
    this.payload(NFT_PAYLOAD_NETWORK_HEADER, this.isV6 ? 8 : 12, this.isV6 ? 16 : 4, FIRST);
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, this.isV6 ? SECOND : SECOND_QUARTER);
  }

  addToBegan(): void {
    this.expression('dynset', { 1: text(BEGAN.name), 2: be32(BEGAN.id), 3: be32(NFT_DYNSET_OP_ADD), 4: be32(FIRST) });
  }

  hasNotBegun(): void {
    this.expression('lookup', { 1: text(BEGAN.name), 2: be32(FIRST), 4: be32(BEGAN.id), 5: be32(NFT_LOOKUP_F_INV) });
  }

  duplicateTo(peer: Uint8Array, linkIndex: number): void {
    this.expression('immediate', { 1: be32(FIRST), 2: dataValue(peer) });
    // A number of this machine, unlike what is in packets.
    const device = new Uint8Array(Uint32Array.of(linkIndex).buffer);
    this.expression('immediate', { 1: be32(SECOND), 2: dataValue(device) });
    this.expression('dup', { 1: be32(FIRST), 2: be32(SECOND) });
  }

  verdict(code: number): void {
    const verdict = attribute(NFTA_DATA_VERDICT, attribute(NFTA_VERDICT_CODE, be32(code)));
    this.expression('immediate', { 1: be32(VERDICT), 2: verdict });
  }

  private payload(base: number, offset: number, length: number, register: number): void {
    this.expression('payload', { 1: be32(register), 2: be32(base), 3: be32(offset), 4: be32(length) });
  }

  private compare(register: number, value: Uint8Array): void {
    this.expression('cmp', { 1: be32(register), 2: be32(NFT_CMP_EQ), 3: dataValue(value) });
  }

  private expression(name: string, attributes: Readonly<Record<number, Uint8Array>>): void {
    const { writer } = this;
    writer.nest(NFTA_LIST_ELEM, () => {
      writer.text(NFTA_EXPR_NAME, name);
      writer.nest(NFTA_EXPR_DATA, () => {
        for (const [type, value] of Object.entries(attributes)) writer.attribute(Number(type), value);
      });
    });
  }
}

/** Netfilter takes a batch as one transaction. */
function batch(writer: NetlinkWriter, write: () => void): void {
  const header = Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES);
  writer.begin(NFNL_MSG_BATCH_BEGIN, 0, header);
  write();
  writer.begin(NFNL_MSG_BATCH_END, 0, header);
}

function begin(writer: NetlinkWriter, type: number, flags: number, isV6: boolean): void {
  const header = Uint8Array.of(isV6 ? NFPROTO_IPV6 : NFPROTO_IPV4, 0, 0, 0);
  writer.begin((NFNL_SUBSYS_NFTABLES << 8) | type, flags, header);
}

function dataValue(bytes: Uint8Array): Uint8Array {
  return attribute(NFTA_DATA_VALUE, bytes);
}

/** An attribute by itself, to be the value of another one. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${value}\0`));
}

/** Numbers of netfilter are in network byte order. */
function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

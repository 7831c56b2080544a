/**
 * Changes of one nf_tables table (nft(8)) as netlink messages: what is written into one batch the kernel does as a whole or not
 * at all, and no packet meets a part of it. Numbers are those of linux/netfilter/nf_tables.h, in network byte order.
 */
import { NESTED, NLM_F_CREATE, NLM_F_EXCL, NetlinkWriter } from '../segment/netlink-message.ts';
import { attribute, be32, be64, dataValue, type NamedSet, RuleWriter } from './rule-writer.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_DELRULE = 8;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_DELSET = 11;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NLM_F_APPEND = 0x800;

export const NFPROTO_INET = 1;
export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;

const NF_ACCEPT = 1;

const NFTA_TABLE_NAME = 1;
const NFTA_TABLE_FLAGS = 2;
const NFTA_TABLE_USERDATA = 6;
const NFT_TABLE_F_OWNER = 2;
const UDATA_TABLE_COMMENT = 0;
const UDATA_SET_KEY_BYTE_ORDER = 0;
const BYTE_ORDER_HOST = 1;

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

const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_FLAGS = 3;
const NFTA_SET_KEY_TYPE = 4;
const NFTA_SET_KEY_LEN = 5;
const NFTA_SET_DATA_TYPE = 6;
const NFTA_SET_DATA_LEN = 7;
const NFTA_SET_DESC = 9;
const NFTA_SET_DESC_SIZE = 1;
const NFTA_SET_ID = 10;
const NFTA_SET_TIMEOUT = 11;
const NFTA_SET_USERDATA = 13;
const NFTA_SET_EXPR = 17;
const NFT_SET_MAP = 0x8;
const NFT_SET_TIMEOUT = 0x10;
const NFT_SET_EVAL = 0x20;
const NFTA_EXPR_NAME = 1;

const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_LIST_SET_ID = 4;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;

/** A list of elements is an attribute, whose length has 16 bits. */
const LIST_BYTES_MAX = 60_000;

export interface SetShape extends NamedSet {
  readonly keyBytes: number;
  /** How `nft` shows keys (its own numbers); it has no effect. */
  readonly keyType?: number;
  readonly size: number;
  /** Of a map. */
  readonly dataBytes?: number;
  readonly dataType?: number;
  /** Rules add elements. */
  readonly isDynamic?: boolean;
  /** What rules add is forgotten after so long, unless it comes anew. */
  readonly timeoutMs?: number;
  /** Every element counts the packets that are looked up in it. */
  readonly isCounted?: boolean;
  /** Keys are numbers of this machine, not bytes of packets. */
  readonly hasNumbers?: boolean;
}

/** Where a chain is in a packet's way. */
export interface Hook {
  readonly type: 'filter' | 'nat';
  readonly hook: number;
  readonly priority: number;
}

export class Batch {
  private readonly writer = new NetlinkWriter();
  private family: number;
  private readonly table: string;

  constructor(table: string, family = NFPROTO_INET) {
    this.table = table;
    this.family = family;
    this.writer.begin(NFNL_MSG_BATCH_BEGIN, 0, BATCH_HEADER);
  }

  /** To be sent by a NetlinkRequests of NETLINK_NETFILTER. */
  finished(): Uint8Array {
    this.writer.begin(NFNL_MSG_BATCH_END, 0, BATCH_HEADER);
    return this.writer.finished();
  }

  /** What follows is for the table of the same name in another family. */
  turnTo(family: number): void {
    this.family = family;
  }

  /** Removed by the kernel when the socket is closed that sends it. Fails if there is one of this name. */
  addOwnedTable(): void {
    this.begin(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    this.writer.text(NFTA_TABLE_NAME, this.table);
    this.writer.attribute(NFTA_TABLE_FLAGS, be32(NFT_TABLE_F_OWNER));
  }

  /** It stays when this process ends. No change if there is one of this name. */
  addTable(comment: string): void {
    this.begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    this.writer.text(NFTA_TABLE_NAME, this.table);
    this.writer.attribute(NFTA_TABLE_FLAGS, be32(0));
    this.writer.attribute(NFTA_TABLE_USERDATA, userdata(UDATA_TABLE_COMMENT, Buffer.from(`${comment}\0`)));
  }

  deleteTable(): void {
    this.begin(NFT_MSG_DELTABLE, 0);
    this.writer.text(NFTA_TABLE_NAME, this.table);
  }

  /** Of all its chains. */
  deleteRules(): void {
    this.begin(NFT_MSG_DELRULE, 0);
    this.writer.text(NFTA_RULE_TABLE, this.table);
  }

  deleteSet(name: string): void {
    this.begin(NFT_MSG_DELSET, 0);
    this.writer.text(NFTA_SET_TABLE, this.table);
    this.writer.text(NFTA_SET_NAME, name);
  }

  /** `hook` null: only rules lead to it. */
  addChain(name: string, hook: Hook | null): void {
    const { writer } = this;
    this.begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    writer.text(NFTA_CHAIN_TABLE, this.table);
    writer.text(NFTA_CHAIN_NAME, name);
    if (hook === null) return;
    writer.text(NFTA_CHAIN_TYPE, hook.type);
    writer.attribute(NFTA_CHAIN_POLICY, be32(NF_ACCEPT));
    writer.nest(NFTA_CHAIN_HOOK, () => {
      writer.attribute(NFTA_HOOK_HOOKNUM, be32(hook.hook));
      writer.attribute(NFTA_HOOK_PRIORITY, be32(hook.priority));
    });
  }

  addRule(chain: string, write: (rule: RuleWriter) => void): void {
    const { writer } = this;
    this.begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    writer.text(NFTA_RULE_TABLE, this.table);
    writer.text(NFTA_RULE_CHAIN, chain);
    writer.nest(NFTA_RULE_EXPRESSIONS, () => write(new RuleWriter(writer)));
  }

  addSet(shape: SetShape): void {
    const { writer } = this;
    const { name, id, keyBytes, keyType = 0, size, dataBytes = 0, dataType = 0 } = shape;
    this.begin(NFT_MSG_NEWSET, NLM_F_CREATE);
    writer.text(NFTA_SET_TABLE, this.table);
    writer.text(NFTA_SET_NAME, name);
    writer.attribute(
      NFTA_SET_FLAGS,
      be32(
        (dataBytes > 0 ? NFT_SET_MAP : 0) |
          (shape.isDynamic === true ? NFT_SET_EVAL : 0) |
          (shape.timeoutMs === undefined ? 0 : NFT_SET_TIMEOUT),
      ),
    );
    writer.attribute(NFTA_SET_KEY_TYPE, be32(keyType));
    writer.attribute(NFTA_SET_KEY_LEN, be32(keyBytes));
    if (dataBytes > 0) {
      writer.attribute(NFTA_SET_DATA_TYPE, be32(dataType));
      writer.attribute(NFTA_SET_DATA_LEN, be32(dataBytes));
    }
    writer.attribute(NFTA_SET_ID, be32(id));
    if (shape.timeoutMs !== undefined) writer.attribute(NFTA_SET_TIMEOUT, be64(shape.timeoutMs));
    writer.nest(NFTA_SET_DESC, () => writer.attribute(NFTA_SET_DESC_SIZE, be32(size)));
    if (shape.hasNumbers === true) {
      const order = Buffer.from(Uint32Array.of(BYTE_ORDER_HOST).buffer);
      writer.attribute(NFTA_SET_USERDATA, userdata(UDATA_SET_KEY_BYTE_ORDER, order));
    }
    if (shape.isCounted === true) writer.nest(NFTA_SET_EXPR, () => writer.text(NFTA_EXPR_NAME, 'counter'));
  }

  addElements(set: NamedSet, keys: readonly Uint8Array[], data: readonly Uint8Array[] = []): void {
    const dataOf = data.length === 0 ? null : (i: number): Uint8Array => data[i];
    this.changeElements(NFT_MSG_NEWSETELEM, set, keys.length, (i) => keys[i], dataOf);
  }

  deleteElements(set: NamedSet, keys: readonly Uint8Array[]): void {
    this.changeElements(NFT_MSG_DELSETELEM, set, keys.length, (i) => keys[i], null);
  }

  /** Of a map whose keys are numbers of this machine. */
  addNumbered(set: NamedSet, keys: ArrayLike<number>, dataOf: (index: number) => Uint8Array): void {
    this.changeElements(NFT_MSG_NEWSETELEM, set, keys.length, numberedBy(keys), dataOf);
  }

  deleteNumbered(set: NamedSet, keys: ArrayLike<number>): void {
    this.changeElements(NFT_MSG_DELSETELEM, set, keys.length, numberedBy(keys), null);
  }

  /** All keys are of one length, and so are all data. What the functions return is copied at once. */
  private changeElements(
    type: number,
    { name, id }: NamedSet,
    count: number,
    keyOf: (index: number) => Uint8Array,
    dataOf: ((index: number) => Uint8Array) | null,
  ): void {
    if (count === 0) return;
    const { writer } = this;
    const element = new ElementTemplate(keyOf(0).length, dataOf === null ? 0 : dataOf(0).length);
    const { bytes } = element;
    const perMessage = Math.floor(LIST_BYTES_MAX / bytes.length);
    for (let from = 0; from < count; from += perMessage) {
      this.begin(type, type === NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
      writer.text(NFTA_SET_ELEM_LIST_TABLE, this.table);
      writer.text(NFTA_SET_ELEM_LIST_SET, name);
      if (type === NFT_MSG_NEWSETELEM) writer.attribute(NFTA_SET_ELEM_LIST_SET_ID, be32(id));
      const list = new Uint8Array(bytes.length * Math.min(perMessage, count - from));
      for (let i = from, at = 0; at < list.length; i++, at += bytes.length) {
        element.fill(keyOf(i), dataOf === null ? null : dataOf(i));
        list.set(bytes, at);
      }
      writer.attribute(NFTA_SET_ELEM_LIST_ELEMENTS | NESTED, list);
    }
  }

  private begin(type: number, flags: number): void {
    this.writer.begin(nftablesType(type), flags, Uint8Array.of(this.family, 0, 0, 0));
  }
}

const BATCH_HEADER = Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES);

export function nftablesType(type: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | type;
}

/** One element of a list, over and over: there are many, and they differ in their bytes alone. */
class ElementTemplate {
  readonly bytes: Uint8Array;
  private readonly keyAt = 12;
  private readonly dataAt: number;

  constructor(keyBytes: number, dataBytes: number) {
    const key = attribute(NFTA_SET_ELEM_KEY | NESTED, dataValue(new Uint8Array(keyBytes)));
    const data = attribute(NFTA_SET_ELEM_DATA | NESTED, dataValue(new Uint8Array(dataBytes)));
    const parts = dataBytes === 0 ? [key] : [key, data];
    this.bytes = attribute(NFTA_LIST_ELEM | NESTED, new Uint8Array(Buffer.concat(parts)));
    this.dataAt = 4 + key.length + 8;
  }

  fill(key: Uint8Array, data: Uint8Array | null): void {
    this.bytes.set(key, this.keyAt);
    if (data !== null) this.bytes.set(data, this.dataAt);
  }
}

function numberedBy(keys: ArrayLike<number>): (index: number) => Uint8Array {
  const word = new Uint32Array(1);
  const bytes = new Uint8Array(word.buffer);
  return (index) => {
    word[0] = keys[index];
    return bytes;
  };
}

/** What nft keeps for itself with tables and sets: type, length, value. */
function userdata(type: number, value: Uint8Array): Uint8Array {
  return Uint8Array.of(type, value.length, ...value);
}

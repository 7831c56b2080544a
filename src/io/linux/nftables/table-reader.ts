/** Reads what is in the tables of one name: of family inet, and of those families that cannot do all in that one (direct-rules.ts). */
import { findAttribute, type NetlinkMessage, readAttributes } from '../segment/netlink-message.ts';
import type { NetlinkRequests } from '../segment/netlink-socket.ts';
import { nftablesType, NFPROTO_INET } from './batch.ts';
import { DIRECT_FAMILIES } from './direct-rules.ts';

const NFT_MSG_GETTABLE = 1;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_GETSET = 10;
const NFT_MSG_GETSETELEM = 13;

/** Of which attribute of which answer is the table's name, and which is the handle that is never used again. */
const KINDS = [
  { ask: NFT_MSG_GETTABLE, table: 1, handle: 4, name: 1 },
  { ask: NFT_MSG_GETCHAIN, table: 1, handle: 2, name: 3 },
  { ask: NFT_MSG_GETRULE, table: 1, handle: 3, name: 2 },
  { ask: NFT_MSG_GETSET, table: 1, handle: 16, name: 2 },
] as const;

const NFTA_SET_NAME = 2;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_DATA_VALUE = 1;
const NFTA_TABLE_FLAGS = 2;
const NFTA_TABLE_USERDATA = 6;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;

type Attributes = ReadonlyMap<number, Uint8Array>;
type ElementHandler = (key: Uint8Array, element: Uint8Array) => void;

export class TableReader {
  private readonly requests: NetlinkRequests;
  private readonly name: string;

  constructor(requests: NetlinkRequests, name: string) {
    this.requests = requests;
    this.name = name;
  }

  /** Of every part of the tables. Empty: there is none of family inet. Null: they were read while they changed. */
  handles(): string | null {
    const parts: string[] = [];
    for (const family of [NFPROTO_INET, ...DIRECT_FAMILIES.map(({ protocol }) => protocol)]) {
      const { length } = parts;
      for (const { ask, table, handle, name } of KINDS) {
        const isWhole = this.dump(family, ask, ask === NFT_MSG_GETTABLE ? [] : [[table, this.name]], (attributes) => {
          if (text(attributes.get(table)) !== this.name) return;
          const flags = ask === NFT_MSG_GETTABLE ? hex(attributes.get(NFTA_TABLE_FLAGS)) : '';
          parts.push(`${family} ${ask} ${text(attributes.get(name))} ${hex(attributes.get(handle))} ${flags}`);
        });
        if (!isWhole) return null;
        if (parts.length === length) break;
      }
      if (parts.length === 0) return '';
    }
    return parts.join('\n');
  }

  /** Of the table of family inet. */
  comment(): string {
    let comment = '';
    this.dump(NFPROTO_INET, NFT_MSG_GETTABLE, [], (attributes) => {
      const userdata = attributes.get(NFTA_TABLE_USERDATA);
      if (text(attributes.get(1)) === this.name && userdata !== undefined) comment = text(userdata.subarray(2));
    });
    return comment;
  }

  /** The names of a table's sets and maps. Null: there is no such table. */
  setNames(family: number): readonly string[] | null {
    let isThere = false;
    this.dump(family, NFT_MSG_GETTABLE, [], (attributes) => {
      isThere ||= text(attributes.get(1)) === this.name;
    });
    if (!isThere) return null;
    const names: string[] = [];
    this.dump(family, NFT_MSG_GETSET, [[1, this.name]], (attributes) => {
      if (text(attributes.get(1)) === this.name) names.push(text(attributes.get(NFTA_SET_NAME)));
    });
    return names;
  }

  /** Of one chain, in their order. False: they were read while they changed. */
  rules(family: number, chain: string, handle: (attributes: Attributes) => void): boolean {
    const asked = [
      [NFTA_RULE_TABLE, this.name],
      [NFTA_RULE_CHAIN, chain],
    ] as const;
    return this.dump(family, NFT_MSG_GETRULE, asked, (attributes) => {
      const isMeant = text(attributes.get(1)) === this.name && text(attributes.get(NFTA_RULE_CHAIN)) === chain;
      if (isMeant) handle(attributes);
    });
  }

  /** False: they were read while they changed, or there is no such set. */
  elements(family: number, set: string, handle: ElementHandler): boolean {
    const portions = this.elementsInPortions(family, set, handle);
    for (;;) {
      const { done, value } = portions.next();
      if (done === true) return value;
    }
  }

  /** The same, a buffer at each step. Nothing else may be asked by this socket until it is over. */
  *elementsInPortions(family: number, set: string, handle: ElementHandler): Generator<undefined, boolean> {
    try {
      return yield* this.requests.dumpInPortions(
        (writer, flags) => {
          writer.begin(nftablesType(NFT_MSG_GETSETELEM), flags, Uint8Array.of(family, 0, 0, 0));
          writer.text(NFTA_SET_ELEM_LIST_TABLE, this.name);
          writer.text(NFTA_SET_ELEM_LIST_SET, set);
        },
        (bytes, { start, end }) => {
          const list = readAttributes(bytes, start + 4, end).get(NFTA_SET_ELEM_LIST_ELEMENTS);
          if (list === undefined) return;
          for (const element of listOf(list)) {
            const key = valueIn(element, NFTA_SET_ELEM_KEY);
            if (key !== undefined) handle(key, element);
          }
        },
      );
    } catch {
      return false;
    }
  }

  private dump(
    family: number,
    type: number,
    asked: readonly (readonly [attribute: number, text: string])[],
    handle: (attributes: Attributes) => void,
  ): boolean {
    try {
      return this.requests.dump(
        (writer, flags) => {
          writer.begin(nftablesType(type), flags, Uint8Array.of(family, 0, 0, 0));
          for (const [attribute, value] of asked) writer.text(attribute, value);
        },
        (bytes: Uint8Array, { start, end }: NetlinkMessage) => handle(readAttributes(bytes, start + 4, end)),
      );
    } catch {
      return false;
    }
  }
}

export function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.subarray(0, -1)).toString();
}

function hex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}

/** What stands in a list, in which all attributes are of one type. */
export function* listOf(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4) return;
    yield bytes.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

/** Of the key or the data of an element. */
export function valueIn(element: Uint8Array, part: number): Uint8Array | undefined {
  const data = findAttribute(element, part);
  return data === undefined ? undefined : findAttribute(data, NFTA_DATA_VALUE);
}

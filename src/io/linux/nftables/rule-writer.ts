/** The expressions of one rule of nf_tables. Each works on registers that the ones before it have set. */
import { NESTED, type NetlinkWriter } from '../segment/netlink-message.ts';

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
const NFTA_VERDICT_CHAIN = 2;
const NFT_JUMP = -3;

const NFT_META_NFPROTO = 15;
const NFT_META_L4PROTO = 16;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
const NFT_CMP_EQ = 0;
const NFT_CMP_NEQ = 1;
const NFT_DYNSET_OP_ADD = 0;
const NFT_LOOKUP_F_INV = 1;
const NFT_CT_STATE = 0;
const NFT_CT_DIRECTION = 1;
const NFT_CT_STATUS = 2;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const RTN_LOCAL = 2;
const NFT_REJECT_TCP_RST = 1;
const NFT_NAT_SNAT = 0;
const NFT_NAT_DNAT = 1;
const IPS_INVALID = 1;
const IPS_DST_NAT = 32;
const DIRECTION_ORIGINAL = 0;

/** Registers are 16 bytes, or 4 by other numbers: 8 is the first quarter of register 1, 9 the second. */
const VERDICT = 0;
export const FIRST = 1;
export const SECOND = 2;
const QUARTERS = 8;

const TCP_FLAGS_OFFSET = 13;
const TCP_SYN = 0x02;
const TCP_ACK = 0x10;

/** The number is for what refers to it in the transaction that makes it. */
export interface NamedSet {
  readonly name: string;
  readonly id: number;
}

/** Where what a packet says of one end is: bytes from the beginning of its headers. */
interface End {
  readonly address4: number;
  readonly address6: number;
  readonly port: number;
}

export const SENDER: End = { address4: 12, address6: 8, port: 0 };
export const RECEIVER: End = { address4: 16, address6: 24, port: 2 };

export class RuleWriter {
  private readonly writer: NetlinkWriter;

  constructor(writer: NetlinkWriter) {
    this.writer = writer;
  }

  // --- matches ---

  isOfFamily(family: number): void {
    this.expression('meta', { 2: be32(NFT_META_NFPROTO), 1: be32(FIRST) });
    this.compare(Uint8Array.of(family));
  }

  isOfProtocol(protocol: number): void {
    this.expression('meta', { 2: be32(NFT_META_L4PROTO), 1: be32(FIRST) });
    this.compare(Uint8Array.of(protocol));
  }

  isTo(address: Uint8Array, port: number): void {
    this.loadAddress(RECEIVER, address.length, FIRST);
    this.compare(address);
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, RECEIVER.port, 2, FIRST);
    this.compare(Uint8Array.of(port >> 8, port & 0xff));
  }

  /** SYN, and not the answer to one. */
  isFirstSegment(): void {
    this.compareFlags(NFT_CMP_EQ);
  }

  isLaterSegment(): void {
    this.compareFlags(NFT_CMP_NEQ);
  }

  /** Connection tracking can make nothing of it, and it is not translated. */
  isInvalid(): void {
    this.expression('ct', { 2: be32(NFT_CT_STATE), 1: be32(FIRST) });
    this.mask(hostBytes(IPS_INVALID));
    this.compare(hostBytes(0), NFT_CMP_NEQ);
  }

  /** Its connection has another receiver than its client thinks. */
  isTranslated(): void {
    this.expression('ct', { 2: be32(NFT_CT_STATUS), 1: be32(FIRST) });
    this.mask(hostBytes(IPS_DST_NAT));
    this.compare(hostBytes(0), NFT_CMP_NEQ);
  }

  /** It goes as the first packet of its connection went. */
  isOriginal(): void {
    this.expression('ct', { 2: be32(NFT_CT_DIRECTION), 1: be32(FIRST) });
    this.compare(Uint8Array.of(DIRECTION_ORIGINAL));
  }

  /** To an address that this machine has now. */
  isToThisMachine(): void {
    this.expression('fib', { 1: be32(FIRST), 2: be32(NFT_FIB_RESULT_ADDRTYPE), 3: be32(NFTA_FIB_F_DADDR) });
    this.compare(hostBytes(RTN_LOCAL));
  }

  isIn(set: NamedSet): void {
    this.lookUp(set);
  }

  isNotIn({ name, id }: NamedSet): void {
    this.expression('lookup', { 1: text(name), 2: be32(FIRST), 4: be32(id), 5: be32(NFT_LOOKUP_F_INV) });
  }

  // --- what is loaded into the first register ---

  loadAddress(end: End, bytes: number, register = FIRST): void {
    this.payload(NFT_PAYLOAD_NETWORK_HEADER, bytes === 16 ? end.address6 : end.address4, bytes, register);
  }

  /** Address and port, one behind the other; a port has four bytes, like everything that is shorter. */
  loadEnd(end: End, addressBytes: number): void {
    this.loadAddress(end, addressBytes);
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, end.port, 2, quarterAfter(addressBytes));
  }

  /** Address, protocol and port. */
  loadPlace(end: End, addressBytes: number): void {
    this.loadAddress(end, addressBytes);
    this.expression('meta', { 2: be32(NFT_META_L4PROTO), 1: be32(quarterAfter(addressBytes)) });
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, end.port, 2, quarterAfter(addressBytes + 4));
  }

  /** Both ends, each address and port. */
  loadEnds(addressBytes: number): void {
    const endBytes = addressBytes + 4;
    this.loadEnd(SENDER, addressBytes);
    this.loadAddress(RECEIVER, addressBytes, quarterAfter(endBytes));
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, RECEIVER.port, 2, quarterAfter(endBytes + addressBytes));
  }

  /** In place of so many bytes there: a number below `modulus`. */
  hash(bytes: number, modulus: number, seed: number): void {
    const [register, length] = [be32(FIRST), be32(bytes)];
    this.expression('hash', { 1: register, 2: register, 3: length, 4: be32(modulus), 5: be32(seed), 7: be32(0) });
  }

  loadValue(value: Uint8Array, register = FIRST): void {
    this.expression('immediate', { 1: be32(register), 2: dataValue(value) });
  }

  /** In its place what a map has for it. A packet for which it has nothing is none for this rule. */
  replaceBy({ name, id }: NamedSet): void {
    this.expression('lookup', { 1: text(name), 2: be32(FIRST), 3: be32(FIRST), 4: be32(id) });
  }

  // --- what is done ---

  count(): void {
    this.expression('counter', {});
  }

  addTo({ name, id }: NamedSet): void {
    this.expression('dynset', { 1: text(name), 2: be32(id), 3: be32(NFT_DYNSET_OP_ADD), 4: be32(FIRST) });
  }

  /** The receiver, or the sender, becomes the address and port that are loaded. */
  translate(which: 'receiver' | 'sender', addressBytes: number, family: number): void {
    const kind = which === 'receiver' ? NFT_NAT_DNAT : NFT_NAT_SNAT;
    const [address, port] = [be32(FIRST), be32(quarterAfter(addressBytes))];
    this.expression('nat', { 1: be32(kind), 2: be32(family), 3: address, 5: port });
  }

  /** To the neighbour whose address is loaded, by the interface in the second register. */
  duplicate(): void {
    this.expression('dup', { 1: be32(FIRST), 2: be32(SECOND) });
  }

  reset(): void {
    this.expression('reject', { 1: be32(NFT_REJECT_TCP_RST), 2: Uint8Array.of(0) });
  }

  jump(chain: string): void {
    this.verdictWith(attribute(NFTA_VERDICT_CODE, be32(NFT_JUMP)), attribute(NFTA_VERDICT_CHAIN, text(chain)));
  }

  verdict(code: number): void {
    this.verdictWith(attribute(NFTA_VERDICT_CODE, be32(code)));
  }

  private verdictWith(...attributes: readonly Uint8Array[]): void {
    const verdict = attribute(NFTA_DATA_VERDICT | NESTED, new Uint8Array(Buffer.concat(attributes)));
    this.expression('immediate', { 1: be32(VERDICT), 2: verdict });
  }

  private lookUp({ name, id }: NamedSet): void {
    this.expression('lookup', { 1: text(name), 2: be32(FIRST), 4: be32(id) });
  }

  private compareFlags(operation: number): void {
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, FIRST);
    this.mask(Uint8Array.of(TCP_SYN | TCP_ACK));
    this.compare(Uint8Array.of(TCP_SYN), operation);
  }

  private payload(base: number, offset: number, length: number, register: number): void {
    this.expression('payload', { 1: be32(register), 2: be32(base), 3: be32(offset), 4: be32(length) });
  }

  private mask(mask: Uint8Array): void {
    const nothing = dataValue(new Uint8Array(mask.length));
    const register = be32(FIRST);
    this.expression('bitwise', { 1: register, 2: register, 3: be32(mask.length), 4: dataValue(mask), 5: nothing });
  }

  private compare(value: Uint8Array, operation = NFT_CMP_EQ): void {
    this.expression('cmp', { 1: be32(FIRST), 2: be32(operation), 3: dataValue(value) });
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

/** The quarter of a register that follows so many bytes from the beginning of the first one. */
function quarterAfter(bytes: number): number {
  return QUARTERS + bytes / 4;
}

export function dataValue(bytes: Uint8Array): Uint8Array {
  return attribute(NFTA_DATA_VALUE, bytes);
}

/** An attribute by itself, to be the value of another one. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** Numbers of netfilter are in network byte order. */
export function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

/** A number of this machine, unlike what is in packets. */
export function hostBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${value}\0`));
}

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
const NFT_DYNSET_OP_UPDATE = 1;
const NFT_DYNSET_OP_DELETE = 2;
const NFT_LOOKUP_F_INV = 1;
const NFT_CT_STATE = 0;
const NFT_CT_DIRECTION = 1;
const NFT_CT_STATUS = 2;
const NFT_CT_PROTO_DST = 12;
const NFT_CT_DST_IP = 20;
const NFT_CT_DST_IP6 = 22;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const RTN_LOCAL = 2;
const NFT_REJECT_TCP_RST = 1;
const NFT_NAT_SNAT = 0;
const NFT_NAT_DNAT = 1;
const IPS_INVALID = 1;
const IPS_DST_NAT = 32;
const DIRECTION_ORIGINAL = 0;
const NF_DROP = 0;

/** Registers are 16 bytes, or 4 by other numbers: 8 is the first quarter of register 1, 9 the second. */
const VERDICT = 0;
export const FIRST = 1;
export const SECOND = 2;
const QUARTERS = 8;

const TCP_FLAGS_OFFSET = 13;
const TCP_FIN = 0x01;
const TCP_SYN = 0x02;
const TCP_RST = 0x04;
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

/** Of errors in ICMP: how far their own header goes. It is followed by the headers of the packet that they are about. */
const ICMP_BYTES = 8;
/** A packet is too large (RFC 792, RFC 4443), by the length of an address. */
const TOO_LARGE = {
  4: { protocol: 1, type: 3, quotedBytes: 20, quotedProtocol: 9 },
  16: { protocol: 58, type: 2, quotedBytes: 40, quotedProtocol: 6 },
} as const;

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
    this.compareFlags(TCP_SYN | TCP_ACK, TCP_SYN, NFT_CMP_EQ);
  }

  isLaterSegment(): void {
    this.compareFlags(TCP_SYN | TCP_ACK, TCP_SYN, NFT_CMP_NEQ);
  }

  /** FIN or RST: its sender has said its last. */
  isLastSegment(): void {
    this.compareFlags(TCP_FIN | TCP_RST, 0, NFT_CMP_NEQ);
  }

  isNoLastSegment(): void {
    this.compareFlags(TCP_FIN | TCP_RST, 0, NFT_CMP_EQ);
  }

  /** ICMP: what a service has sent is too large for a link on its way. */
  isTooLarge(addressBytes: number): void {
    const { protocol, type } = TOO_LARGE[addressBytes === 16 ? 16 : 4];
    this.isOfProtocol(protocol);
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, FIRST);
    this.compare(Uint8Array.of(type));
  }

  /** Connection tracking can make nothing of it, and it is not translated; or has not looked at it yet. */
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

  /** Behind so many bytes. */
  loadProtocol(after: number): void {
    this.expression('meta', { 2: be32(NFT_META_L4PROTO), 1: be32(quarterAfter(after)) });
  }

  /** Address, protocol and port. */
  loadPlace(end: End, addressBytes: number): void {
    this.loadAddress(end, addressBytes);
    this.loadProtocol(addressBytes);
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, end.port, 2, quarterAfter(addressBytes + 4));
  }

  /** Both ends, each address and port. */
  loadEnds(addressBytes: number): void {
    const endBytes = addressBytes + 4;
    this.loadEnd(SENDER, addressBytes);
    this.loadAddress(RECEIVER, addressBytes, quarterAfter(endBytes));
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, RECEIVER.port, 2, quarterAfter(endBytes + addressBytes));
  }

  /** Both ends, and the protocol: `connectionBytes` of them. */
  loadConnection(addressBytes: number): void {
    this.loadEnds(addressBytes);
    this.loadProtocol(2 * (addressBytes + 4));
  }

  /** The same of what the receiver has sent, and an error in ICMP is about. */
  loadQuotedConnection(addressBytes: number): void {
    const { quotedBytes, quotedProtocol } = TOO_LARGE[addressBytes === 16 ? 16 : 4];
    const endBytes = addressBytes + 4;
    const quoted = (at: number, length: number, to: number): void =>
      this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_BYTES + at, length, quarterAfter(to));
    [RECEIVER, SENDER].forEach((end, i) => {
      quoted(addressBytes === 16 ? end.address6 : end.address4, addressBytes, i * endBytes);
      quoted(quotedBytes + end.port, 2, i * endBytes + addressBytes);
    });
    quoted(quotedProtocol, 1, 2 * endBytes);
  }

  /** Address, protocol and port that the client of this connection knows. */
  loadService(addressBytes: number): void {
    this.loadServiceAddress(addressBytes);
    this.loadProtocol(addressBytes);
    const direction = Uint8Array.of(DIRECTION_ORIGINAL);
    this.expression('ct', { 1: be32(quarterAfter(addressBytes + 4)), 2: be32(NFT_CT_PROTO_DST), 3: direction });
  }

  loadServiceAddress(addressBytes: number): void {
    const key = be32(addressBytes === 16 ? NFT_CT_DST_IP6 : NFT_CT_DST_IP);
    this.expression('ct', { 1: be32(FIRST), 2: key, 3: Uint8Array.of(DIRECTION_ORIGINAL) });
  }

  /** Of so many bytes there: a number below `modulus`. */
  hash(bytes: number, modulus: number, seed: number, into = FIRST): void {
    const [from, to, length] = [be32(FIRST), be32(into), be32(bytes)];
    this.expression('hash', { 1: from, 2: to, 3: length, 4: be32(modulus), 5: be32(seed), 7: be32(0) });
  }

  loadValue(value: Uint8Array, register = FIRST): void {
    this.expression('immediate', { 1: be32(register), 2: dataValue(value) });
  }

  /** In its place what a map has for it. A packet for which it has nothing is none for this rule. */
  replaceBy(map: NamedSet, register = FIRST): void {
    this.find(map, register, register);
  }

  /** What a map has for the key that is loaded; without any the packet is none for this rule. */
  find({ name, id }: NamedSet, into: number, key = FIRST): void {
    this.expression('lookup', { 1: text(name), 2: be32(key), 3: be32(into), 4: be32(id) });
  }

  /**
   * What came out of a map stays what it is, and the command `nft` knows how long it is: 1.0.6 at least would end itself over a rule in which that
   * is a key or the data of an element. It is written into the packet and read again, and the packet is as before. `before`: where its receiver is.
   */
  readBack(register: number, addressBytes: number, before: number): void {
    this.writeReceiver(register, addressBytes);
    this.loadAddress(RECEIVER, addressBytes, register);
    this.writeReceiver(before, addressBytes);
  }

  private writeReceiver(from: number, addressBytes: number): void {
    const offset = addressBytes === 16 ? RECEIVER.address6 : RECEIVER.address4;
    const place = { 2: be32(NFT_PAYLOAD_NETWORK_HEADER), 3: be32(offset), 4: be32(addressBytes) };
    this.expression('payload', { ...place, 5: be32(from) });
  }

  // --- what is done ---

  count(): void {
    this.expression('counter', {});
  }

  addTo({ name, id }: NamedSet): void {
    this.expression('dynset', { 1: text(name), 2: be32(id), 3: be32(NFT_DYNSET_OP_ADD), 4: be32(FIRST) });
  }

  /** For this key a map has what is in the register, from now on for its time. A packet for which there is no room is none for this rule. */
  keep({ name, id }: NamedSet, data: number): void {
    this.changeMap(NFT_DYNSET_OP_UPDATE, name, id, data);
  }

  /** A map has nothing for this key any more. */
  forget({ name, id }: NamedSet, data: number): void {
    this.changeMap(NFT_DYNSET_OP_DELETE, name, id, data);
  }

  private changeMap(operation: number, name: string, id: number, data: number): void {
    this.expression('dynset', { 1: text(name), 2: be32(id), 3: be32(operation), 4: be32(FIRST), 5: be32(data) });
  }

  /** The receiver, or the sender, becomes the address and port that are loaded. */
  translate(which: 'receiver' | 'sender', addressBytes: number, family: number): void {
    const kind = which === 'receiver' ? NFT_NAT_DNAT : NFT_NAT_SNAT;
    const [address, port] = [be32(FIRST), be32(quarterAfter(addressBytes))];
    this.expression('nat', { 1: be32(kind), 2: be32(family), 3: address, 5: port });
  }

  /** The sender becomes the address that is loaded. Its port stays if it can. */
  translateSenderAddress(family: number): void {
    this.expression('nat', { 1: be32(NFT_NAT_SNAT), 2: be32(family), 3: be32(FIRST) });
  }

  /** To the neighbour whose address is loaded, by the interface in the second register. */
  duplicate(): void {
    this.expression('dup', { 1: be32(FIRST), 2: be32(SECOND) });
  }

  /** To the neighbour whose address is in the register: the kernel finds it, and follows it when its hardware changes. */
  sendTo(register: number): void {
    this.expression('dup', { 1: be32(register) });
    this.verdict(NF_DROP);
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

  private compareFlags(mask: number, value: number, operation: number): void {
    this.payload(NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, FIRST);
    this.mask(Uint8Array.of(mask));
    this.compare(Uint8Array.of(value), operation);
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
export function quarterAfter(bytes: number): number {
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

export function be64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A number of this machine, unlike what is in packets. */
export function hostBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${value}\0`));
}

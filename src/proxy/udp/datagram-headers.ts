/**
 * PROXY protocol headers of datagrams: of version 2, one in front of each datagram of a client, none in front of answers. As dnsdist writes them, and
 * PowerDNS, BIND, Knot and Unbound read them.
 */
import type { Correspondents } from '../../base/correspondents.ts';
import type { ProxyProtocolPlan } from '../../config/plan/listener.ts';
import { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import { type Flow, HEAD_BYTES_MAX } from '../../port/datagram.ts';
import { CorrespondentWords } from '../../wire/correspondent-words.ts';
import { IpWords, readIp, writeIp } from '../../wire/ip-text.ts';
import {
  DATAGRAM_HEADER_BYTES_MAX,
  PROXY_WRONG,
  ProxyAddresses,
  readDatagramHeader,
  writeDatagramHeader,
} from '../../wire/proxy-protocol/header.ts';
import { assert } from '../../base/assert.ts';

assert(DATAGRAM_HEADER_BYTES_MAX <= HEAD_BYTES_MAX, 'a header fits in front of a datagram');

const local = new IpWords();

/** Whom a datagram is from by its header, and where its answers go. */
class Told extends CorrespondentWords {
  set(addresses: ProxyAddresses, from: Correspondents): void {
    readIp(addresses.source, 0, this);
    this.port = addresses.sourcePort;
    this.local0 = from.local0;
    this.local1 = from.local1;
    this.local2 = from.local2;
    this.local3 = from.local3;
    this.localPort = from.localPort;
    this.proxyPort = from.port;
    this.proxy0 = from.ip0;
    this.proxy1 = from.ip1;
    this.proxy2 = from.ip2;
    this.proxy3 = from.ip3;
  }
}

/** Of the listener that they come to. */
export class DatagramHeaders {
  /** Of the datagram that was read last. */
  readonly addresses = new ProxyAddresses();
  /** Whom that is from. */
  of: Correspondents;
  private readonly told = new Told();
  private readonly senders: TrustedProxies;
  private readonly trusted: TrustedProxies;

  constructor({ from, trust }: ProxyProtocolPlan) {
    this.senders = new TrustedProxies(from);
    this.trusted = new TrustedProxies(trust);
    this.of = this.told;
  }

  /** How long its header is. 0: it has none, and needs none; PROXY_WRONG: it should have one. */
  read(from: Correspondents, bytes: Uint8Array, offset: number, length: number): number {
    const { addresses } = this;
    addresses.isTold = false;
    this.of = from;
    if (!this.senders.has(from)) return 0;
    const read = readDatagramHeader(bytes, offset, offset + length, addresses);
    if (read === PROXY_WRONG) return PROXY_WRONG;
    addresses.isTold &&= this.trusted.has(from);
    if (!addresses.isTold) return read;
    this.told.set(addresses, from);
    this.of = this.told;
    return read;
  }
}

const written = new ProxyAddresses();
const head = new Uint8Array(HEAD_BYTES_MAX);

/** Sends it to the server behind a header. `told`: what one that came with it says; `port`: that it has come to. */
export function sendBehindHeader(
  flow: Flow,
  of: Correspondents,
  told: ProxyAddresses | null,
  port: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  const isTold = told !== null && told.isTold;
  if (!isTold) writeAddresses(of, port);
  flow.sendBehind(head, writeDatagramHeader(isTold ? told : written, head, 0), bytes, offset, length);
}

function writeAddresses(of: Correspondents, port: number): void {
  written.isTold = true;
  writeIp(written.source, 0, of);
  written.sourcePort = of.port;
  local.ip0 = of.local0;
  local.ip1 = of.local1;
  // An address that nobody knows is of the client's family.
  local.ip2 = (of.local0 | of.local1 | of.local2 | of.local3) === 0 ? of.ip2 & isMapped(of) : of.local2;
  local.ip3 = of.local3;
  writeIp(written.destination, 0, local);
  written.destinationPort = port;
}

/** All ones, or zero. */
function isMapped({ ip0, ip1, ip2 }: Correspondents): number {
  return ip0 === 0 && ip1 === 0 && ip2 === 0xffff ? -1 : 0;
}

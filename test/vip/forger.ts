/** A host that takes no part in the election and sends adverts made by hand: forged, malformed, or of a router nobody runs. */
import type { ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseIPv4 } from '../../src/base/address.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE_IPV4, emitEthernet, multicastMac } from '../../src/wire/ethernet.ts';
import { emitIpv4, IPV4_HEADER_BYTES, TRAFFIC_CLASS_CONTROL } from '../../src/wire/ipv4.ts';
import {
  advertBytes,
  type ChecksumForm,
  emitAdvert,
  fillAdvertChecksum,
  VRRP_GROUP_4,
  VRRP_PROTOCOL,
  VRRP_TTL,
} from '../../src/wire/vrrp/advert.ts';
import { TRAILER_BYTES, type TrailerKey } from '../../src/wire/vrrp/trailer.ts';
import { SendSequence } from '../../src/core/vrrp/sequence.ts';
import type { Host } from './virtual-node.ts';

/** Of the virtual router of `routerPlan`, in version 3; what is left out is as a good advert to the group has it. */
export interface Forgery {
  readonly priority: number;
  readonly intervalUs: number;
  readonly source: string;
  readonly to?: Host;
  readonly ttl?: number;
  readonly form?: ChecksumForm;
  /** Signed with this key, and made at this time since 1970. */
  readonly signed?: { readonly key: TrailerKey; readonly unixUs: number };
  /** Changes the finished advert; its checksum is then wrong, unless it is made anew. */
  readonly spoil?: { readonly change: (advert: Uint8Array) => void; readonly isSummedAfter: boolean };
}

export function forge(forgery: Forgery): Uint8Array {
  const { priority, intervalUs, source, to, ttl, form = 'pseudo-header', signed, spoil } = forgery;
  const from = parseIPv4(source)!;
  const destination = to === undefined ? VRRP_GROUP_4 : parseIPv4(to.address)!;
  const advert = {
    version: 3,
    virtualRouterId: 50,
    priority,
    intervalCs: intervalUs / 10_000,
    addresses: [Uint8Array.of(192, 168, 15, 3)],
    auth: null,
  } as const;
  const headerBytes = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES;
  const messageEnd = advertBytes(advert);
  const frame = new Uint8Array(headerBytes + messageEnd + (signed === undefined ? 0 : TRAILER_BYTES));
  const payload = frame.subarray(headerBytes);
  emitAdvert(advert, payload, 0);
  fillAdvertChecksum(payload, 0, messageEnd, form, from, destination);
  signed?.key.emit(payload, 0, messageEnd, from, new SendSequence(intervalUs).next(signed.unixUs));
  spoil?.change(payload);
  if (spoil?.isSummedAfter === true) fillAdvertChecksum(payload, 0, messageEnd, form, from, destination);
  const ethernet = {
    source: Uint8Array.of(2, 0, 0, 0, 0, 0x77),
    destination: to === undefined ? multicastMac(VRRP_GROUP_4) : Buffer.from(to.mac.replaceAll(':', ''), 'hex'),
    etherType: ETHERTYPE_IPV4,
  };
  const header = {
    source: from,
    destination,
    protocol: VRRP_PROTOCOL,
    ttl: ttl ?? VRRP_TTL,
    trafficClass: TRAFFIC_CLASS_CONTROL,
    identification: 1,
  };
  emitIpv4(header, payload.length, frame, emitEthernet(ethernet, frame, 0));
  return frame;
}

export class Forger {
  private readonly t: TestContext;
  private readonly sender: ChildProcess;

  constructor(t: TestContext, host: Host) {
    this.t = t;
    this.sender = host.spawn(process.execPath, fileURLToPath(new URL('frame-sender.js', import.meta.url)));
    // When the test is over, its host ends it first.
    this.sender.stdin!.on('error', () => undefined);
  }

  send(frame: Uint8Array): void {
    this.sender.stdin!.write(`${Buffer.from(frame).toString('hex')}\n`);
  }

  /** Sends all of them, again and again, until the test is over or the returned function is called. */
  repeat(frames: readonly Uint8Array[], intervalMs: number): () => void {
    const timer = setInterval(() => frames.forEach((frame) => this.send(frame)), intervalMs);
    const stop = (): void => clearInterval(timer);
    this.t.after(stop);
    return stop;
  }
}

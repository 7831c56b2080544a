/**
 * Which adverts a virtual router believes: the checks of RFC 9568 section 7.1 and RFC 3768 section 7.1, the peers, the
 * password, and the authentication trailer with its protection against replay.
 *
 * What is refused is counted under its reason and has no other effect. Of a flood most is dropped in the kernel, by what a
 * filter can tell (io/linux/segment/advert-filter.ts), and what is left of it stands for many: `weight`. Two checks of the RFCs are only observed, because
 * a pair whose configurations differ for a minute must not become two active routers: version 2's equal interval (RFC
 * 3768 section 7.1: the peer's is adopted, as in version 3) and the link-local first address (section 5.2.9).
 */
import { formatIP } from '../../base/address.ts';
import { equalBytes } from '../../base/bytes.ts';
import { SUMMED_ADDRESSES_MAX } from '../../base/limits.ts';
import {
  AdvertView,
  AUTH_NONE,
  AUTH_PASSWORD,
  type ChecksumMatch,
  VRRP_GROUP_4,
  VRRP_GROUP_6,
  VRRP_PROTOCOL,
  VRRP_TTL,
} from '../../wire/vrrp/advert.ts';
import { AUTHENTICATION_HEADER_PROTOCOL } from '../../wire/vrrp/authentication-header.ts';
import { isTrailerWellFormed, trailerKeyId, trailerSequence } from '../../wire/vrrp/trailer.ts';
import type { AddressMatch, HeardAdvert } from './heard-advert.ts';
import { US_PER_CS } from './intervals.ts';
import { type Refusal, REFUSALS } from './refusals.ts';
import { leadUs, ReplayGuard } from './sequence.ts';
import type { AdvertSettings } from './settings.ts';

/** An IP packet as it came in. Everything is borrowed. */
export interface ReceivedPacket {
  readonly bytes: Uint8Array;
  /** Where its payload begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** TTL or hop limit. */
  readonly ttl: number;
}

export class AdvertReceiver {
  /** How many adverts were refused for which reason. */
  readonly refused: Readonly<Record<Refusal, number>>;
  accepted = 0;
  /** For how many packets one stands that a filter can tell will be refused. */
  weight = 1;
  /** How many packets were handed over that a filter can tell will be refused. */
  misshapen = 0;
  /** The only senders whose adverts are all handed over; null: those of all senders are. */
  admitted: readonly Uint8Array[] | null = null;
  /** For how many packets one of any other sender stands. */
  strangerWeight = 1;
  /** How many adverts to the group were refused for the key's sake, of senders that never sent a right one. */
  forged = 0;
  /** Adverts over IPv6 whose first address is not link-local. */
  withoutLinkLocal = 0;
  /** How far the clock of the last `stale` one was ahead of this one; less than 0: behind. */
  staleLeadUs = 0;
  private settings: AdvertSettings;
  private group: Uint8Array;
  private readonly replays: ReplayGuard;
  private readonly view = new AdvertView();
  private readonly counters: Record<Refusal, number>;
  /** Of the advert that came last. */
  private heardForm: ChecksumMatch | null = null;
  private form: ChecksumMatch = 'both';

  constructor(settings: AdvertSettings) {
    this.settings = settings;
    this.group = settings.family === 4 ? VRRP_GROUP_4 : VRRP_GROUP_6;
    this.replays = new ReplayGuard(settings.intervalUs);
    this.counters = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<Refusal, number>;
    this.refused = this.counters;
  }

  /** Believes by these from now on. What was seen of each sender stays known: nothing old can be repeated. */
  apply(settings: AdvertSettings): void {
    this.settings = settings;
    this.group = settings.family === 4 ? VRRP_GROUP_4 : VRRP_GROUP_6;
    this.replays.apply(settings.intervalUs);
  }

  /** The checksum's form of the advert that was accepted last. */
  get lastForm(): ChecksumMatch {
    return this.form;
  }

  /** The advert, or why it is not believed. `ownAddress` is what this router sends from, `unixUs` the time since 1970. */
  receive(packet: ReceivedPacket, ownAddress: Uint8Array | null, unixUs: number): HeardAdvert | Refusal {
    const { view } = this;
    const fault = this.findFault(packet) ?? this.findWrongSum(packet);
    const isOwn = ownAddress !== null && equalBytes(packet.source, ownAddress);
    const refusal = isOwn ? 'own-address' : (fault ?? this.findForgery(packet, unixUs));
    if (refusal !== null) {
      this.count(refusal, fault, packet);
      return refusal;
    }
    this.accepted++;
    if (this.settings.family === 6 && !isLinkLocal(view.address(0))) this.withoutLinkLocal++;
    const addresses = this.matchAddresses();
    return {
      source: packet.source,
      priority: view.priority,
      intervalUs: view.intervalCs * US_PER_CS,
      addresses,
      foreignAddress: addresses === 'all' ? null : this.findForeign(),
    };
  }

  /** Who has sent what only somebody with the key can have made. */
  get senders(): readonly Uint8Array[] {
    return this.replays.senders;
  }

  get hasSenders(): boolean {
    return this.replays.hasSenders;
  }

  private count(refusal: Refusal, fault: Refusal | null, { protocol, source }: ReceivedPacket): void {
    const { admitted, settings, view } = this;
    const canBeTold = fault !== null && (fault !== 'checksum' || view.addressCount <= SUMMED_ADDRESSES_MAX);
    const isSampled = protocol === VRRP_PROTOCOL && admitted !== null && !hasAddress(admitted, source);
    if (isSampled) this.counters[refusal] += this.strangerWeight;
    else this.counters[refusal] += canBeTold ? this.weight : 1;
    if (canBeTold) this.misshapen++;
    else if (settings.keys !== null && settings.unicast === null && !this.replays.knows(source)) this.forged++;
  }

  private matchAddresses(): AddressMatch {
    const { view } = this;
    const { addresses } = this.settings;
    if (view.hasAddresses(addresses)) return 'all';
    return addresses.some((address) => view.hasAddress(address)) ? 'some' : 'none';
  }

  private findForeign(): string | null {
    for (let i = 0; i < this.view.addressCount; i++) {
      const address = this.view.address(i);
      if (!this.settings.addresses.some((each) => equalBytes(each, address))) return formatIP(address);
    }
    return null;
  }

  /** What the narrow filters of io/linux/segment/advert-filter.ts can tell too. The two must agree. */
  private findFault(packet: ReceivedPacket): Refusal | null {
    const { settings, view } = this;
    const { bytes, start, end, source, destination } = packet;
    if (packet.protocol === AUTHENTICATION_HEADER_PROTOCOL) return 'authentication-header';
    if (packet.protocol !== VRRP_PROTOCOL) return 'type';
    const isMulticast = equalBytes(destination, this.group);
    if (isMulticast !== (settings.unicast === null)) return 'destination';
    if (settings.unicast === null) {
      if (packet.ttl !== VRRP_TTL) return 'ttl';
    } else {
      if (!hasAddress(settings.unicast.peers, source)) return 'not-a-peer';
      if (packet.ttl < settings.unicast.ttlMin) return 'ttl';
    }
    const fault = view.wrap(bytes, start, end, settings.family);
    if (fault !== null) return fault;
    if (view.version !== settings.version) return 'other-version';
    if (view.virtualRouterId !== settings.virtualRouterId) return 'virtual-router-id';
    return settings.keys !== null && !view.hasTrailer ? 'trailer-missing' : null;
  }

  /** As well, of adverts with at most SUMMED_ADDRESSES_MAX addresses. */
  private findWrongSum({ source, destination }: ReceivedPacket): Refusal | null {
    this.heardForm = this.view.checksumForm(source, destination);
    return this.heardForm === null ? 'checksum' : null;
  }

  private findForgery(packet: ReceivedPacket, unixUs: number): Refusal | null {
    const refusal = this.findAuthRefusal() ?? this.findTrailerRefusal(packet, unixUs);
    if (refusal === null && this.heardForm !== null) this.form = this.heardForm;
    return refusal;
  }

  /** Version 2's own authentication. */
  private findAuthRefusal(): Refusal | null {
    const { settings, view } = this;
    if (settings.version !== 2) return null;
    if (view.authType !== (settings.password === null ? AUTH_NONE : AUTH_PASSWORD)) return 'authentication-type';
    return settings.password === null || view.hasAuthData(settings.password) ? null : 'password';
  }

  private findTrailerRefusal(packet: ReceivedPacket, unixUs: number): Refusal | null {
    const { keys } = this.settings;
    // Without a key, anybody is believed anyway: a peer that signs already must not be refused.
    if (keys === null) return null;
    const { bytes, start, end, source } = packet;
    if (!isTrailerWellFormed(bytes, end)) return 'trailer-malformed';
    const sequence = trailerSequence(bytes, end);
    // Before the code is computed, so that a flood of captures costs little.
    if (!this.replays.isInWindow(sequence, unixUs)) {
      this.staleLeadUs = leadUs(sequence, unixUs);
      return 'stale';
    }
    if (this.replays.isOld(source, sequence, unixUs)) return 'replay';
    const keyId = trailerKeyId(bytes, end);
    const key = keys.find((each) => each.id === keyId);
    if (key === undefined) return 'key-unknown';
    if (!key.verify(bytes, start, end, source)) return 'code';
    return this.replays.accept(source, sequence, unixUs) ? null : 'replay';
  }
}

export function hasAddress(addresses: readonly Uint8Array[], address: Uint8Array): boolean {
  return addresses.some((each) => equalBytes(each, address));
}

function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}

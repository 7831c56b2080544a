/**
 * Where answers go: of each client its sockaddr, and the control message that names the address it has asked (IP_PKTINFO,
 * IPV6_PKTINFO), so that the answer comes from there. In memory that stays mapped, as the kernel wants both for sendmsg(2).
 */
import type { Correspondents } from '../../base/correspondents.ts';
import { AF_INET, AF_INET6, mapMemory, type Mapping } from './ffi.ts';
import type { SegmentRuns } from './segment-runs.ts';

const PAGE_PLACES = 512;
const PLACE_BYTES = 128;
const CONTROL_AT = 32;

/** Room for a sockaddr_in6. */
const NAME_BYTES = 32;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
/** CMSG_SPACE of struct in_pktinfo and in6_pktinfo. */
export const PKTINFO_BYTES = 32;
export const PKTINFO6_BYTES = 40;
/** Of the header of a control message. */
const CMSG_BYTES = 16;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const IN_PKTINFO_BYTES = 12;
const IN6_PKTINFO_BYTES = 20;
/** In them, the interface: the first 4 bytes of one, the last of the other. */
const INTERFACE_AT = CMSG_BYTES;
const INTERFACE6_AT = CMSG_BYTES + 16;

export class ReturnAddresses {
  private readonly pages: Mapping[] = [];
  private readonly bytes: Uint8Array[] = [];
  private readonly free: number[] = [];
  /** Given back in the turn before, and in this one. */
  private former: number[] = [];
  private current: number[] = [];
  private count = 0;
  /** 1: the kernel takes no runs there. By place. */
  private readonly withoutRuns: number[] = [];
  /** To whom a run goes. */
  private readonly ofRuns: number[] = [];

  /** Copies both; `control`: where the control message is, -1: there is none. */
  keep(from: Uint8Array, name: number, control: number): number {
    const place = this.free.pop() ?? this.grow();
    const into = this.bytes[(place / PAGE_PLACES) | 0];
    const at = (place % PAGE_PLACES) * PLACE_BYTES;
    const isV6 = (from[name] | (from[name + 1] << 8)) === AF_INET6;
    this.withoutRuns[place] = 0;
    for (let i = 0; i < NAME_BYTES; i++) into[at + i] = from[name + i];
    if (control < 0) return place;
    const controlBytes = isV6 ? PKTINFO6_BYTES : PKTINFO_BYTES;
    const controlAt = at + CONTROL_AT;
    for (let i = 0; i < controlBytes; i++) into[controlAt + i] = from[control + i];
    // The way back is chosen by routing, as for any answer; but a link-local address says nothing without its interface.
    if (!isV6) into.fill(0, controlAt + INTERFACE_AT, controlAt + INTERFACE_AT + 4);
    else if (!isLinkLocal(into, controlAt + CMSG_BYTES)) {
      into.fill(0, controlAt + INTERFACE6_AT, controlAt + INTERFACE6_AT + 4);
    }
    return place;
  }

  /** The same made from addresses, for a socket of this family. */
  make(of: Correspondents, isV6: boolean): number {
    const place = this.free.pop() ?? this.grow();
    const into = this.bytes[(place / PAGE_PLACES) | 0];
    const at = (place % PAGE_PLACES) * PLACE_BYTES;
    into.fill(0, at, at + PLACE_BYTES);
    this.withoutRuns[place] = 0;
    const view = new DataView(into.buffer, at, PLACE_BYTES);
    view.setUint16(0, isV6 ? AF_INET6 : AF_INET, true);
    view.setUint16(2, of.port);
    if (isV6) [of.ip0, of.ip1, of.ip2, of.ip3].forEach((word, i) => view.setInt32(8 + i * 4, word));
    else view.setInt32(4, of.ip3);
    const content = CONTROL_AT + CMSG_BYTES;
    view.setUint32(CONTROL_AT, CMSG_BYTES + (isV6 ? IN6_PKTINFO_BYTES : IN_PKTINFO_BYTES), true);
    view.setInt32(CONTROL_AT + 8, isV6 ? IPPROTO_IPV6 : IPPROTO_IP, true);
    view.setInt32(CONTROL_AT + 12, isV6 ? IPV6_PKTINFO : IP_PKTINFO, true);
    if (isV6) [of.local0, of.local1, of.local2, of.local3].forEach((word, i) => view.setInt32(content + i * 4, word));
    else view.setInt32(content + 4, of.local3); // ipi_spec_dst
    return place;
  }

  hasRuns(place: number): boolean {
    return this.withoutRuns[place] === 0;
  }

  endRuns(place: number): void {
    this.withoutRuns[place] = 1;
  }

  /** This run goes there. */
  address(runs: SegmentRuns, run: number, place: number, nameBytes: number, controlBytes: number): void {
    this.ofRuns[run] = place;
    const bytes = this.bytes[(place / PAGE_PLACES) | 0];
    const at = (place % PAGE_PLACES) * PLACE_BYTES + CONTROL_AT;
    runs.address(run, this.nameLow(place), this.high(place), nameBytes, bytes, at, controlBytes);
  }

  ofRun(run: number): number {
    return this.ofRuns[run];
  }

  /** What is on its way there reads it when the kernel takes it, in the next turn: until then the place is nobody else's. */
  forget(place: number): void {
    this.current.push(place);
  }

  /** The end of a turn. `tookAll`: the kernel has taken what was to be sent in the turn before. */
  endTurn(tookAll: boolean): void {
    if (!tookAll) return;
    for (const place of this.former) this.free.push(place);
    this.former.length = 0;
    const { former } = this;
    this.former = this.current;
    this.current = former;
  }

  high(place: number): number {
    return this.pages[(place / PAGE_PLACES) | 0].high;
  }

  /** Where its sockaddr is. */
  nameLow(place: number): number {
    return (this.pages[(place / PAGE_PLACES) | 0].low + (place % PAGE_PLACES) * PLACE_BYTES) | 0;
  }

  controlLow(place: number): number {
    return (this.nameLow(place) + CONTROL_AT) | 0;
  }

  private grow(): number {
    if (this.count % PAGE_PLACES === 0) {
      const page = mapMemory(PAGE_PLACES * PLACE_BYTES);
      this.pages.push(page);
      this.bytes.push(new Uint8Array(page.buffer));
    }
    return this.count++;
  }
}

/** How many bytes the sockaddr of a socket of this family has. */
export function nameBytes(isV6: boolean): number {
  return isV6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES;
}

/** fe80::/10 */
function isLinkLocal(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80;
}

/**
 * One network interface with virtual routers on it: the sockets that they share, opened when the interface appears, and
 * again when it was gone, and who is told of what. They hear nothing before `listen`: nobody reads them until then, and what
 * had come in meanwhile would be taken for news.
 */
import {
  isVrrpInAuthenticationHeader,
  AUTHENTICATION_HEADER_PROTOCOL,
} from '../../../wire/vrrp/authentication-header.ts';
import { VRRP_PROTOCOL } from '../../../wire/vrrp/advert.ts';
import type { SegmentPacket } from '../../../port/segment.ts';
import { type AdvertSocket, AdvertSocket4, AdvertSocket6 } from './advert-socket.ts';
import { advertFilter4, advertFilter6, authenticatedAdvertFilter, type NarrowRouter } from './advert-filter.ts';
import { arpFilter } from './arp-filter.ts';
import { ACCEPT_ALL, type Filter, INSTRUCTIONS_MAX } from '../socket-filter.ts';
import { FrameSocket } from './frame-socket.ts';
import type { LinuxAttachment } from './linux-attachment.ts';
import type { Machine } from './machine.ts';
import { ArpSocket, NeighborAdvertisementSocket } from './neighbor-socket.ts';
import type { Link } from './rtnetlink.ts';

const ENETDOWN = -100;

/** Who waits for descriptors to become readable. */
export interface Readable {
  add(descriptor: number, handle: () => void): void;
  remove(descriptor: number): void;
}

/** Hears nothing before it is given a filter. */
interface HearingSocket {
  readonly descriptor: number;
  /** 0, or a negative errno. */
  setFilter(filter: Filter): number;
  close(): void;
}

export class SegmentInterface {
  readonly name: string;
  private readonly machine: Machine;
  private readonly readable: Readable;
  private readonly attachments: LinuxAttachment[] = [];
  private current: Link | null = null;
  private isStale = false;
  private isListening = false;
  /** Why its sockets could not be opened; null: they are, or there is nothing to open them on. */
  private failure: string | null = null;
  private frames: FrameSocket | null = null;
  private adverts4: AdvertSocket | null = null;
  private adverts6: AdvertSocket | null = null;
  private readonly open: { readonly socket: HearingSocket; readonly filter: () => Filter }[] = [];

  constructor(name: string, machine: Machine, readable: Readable) {
    this.name = name;
    this.machine = machine;
    this.readable = readable;
  }

  /** As it is now; null: there is none of that name. */
  get link(): Link | null {
    return this.current;
  }

  /** It is there and cannot be used: to be tried again by the next `update`. */
  get isBroken(): boolean {
    return this.failure !== null;
  }

  /** Why, for people; null: it can be used. */
  get problem(): string | null {
    return this.failure;
  }

  get isUsed(): boolean {
    return this.attachments.length > 0;
  }

  /** Its sockets are open after the next `update`. */
  add(attachment: LinuxAttachment): void {
    this.attachments.push(attachment);
    this.current = this.machine.network.findLink(this.name);
    this.isStale = true;
  }

  /** An attachment wants to hear something else: its sockets are opened anew by the next `update`. */
  refresh(): void {
    this.isStale = true;
  }

  remove(attachment: LinuxAttachment): void {
    this.attachments.splice(this.attachments.indexOf(attachment), 1);
    this.isStale = true;
    if (!this.isUsed) this.closeAll();
  }

  /** Takes note of what the kernel says of the link. True: it is another one now. */
  update(): boolean {
    const link = this.machine.network.findLink(this.name);
    const isOther = link?.index !== this.current?.index;
    this.current = link;
    if (isOther || this.isStale || this.isBroken) this.reopen();
    return isOther;
  }

  listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    for (const { socket, filter } of this.open) socket.setFilter(filter());
  }

  /** An attachment is narrow now, or is not any more. False: the kernel does not take such filters, or not all of them. */
  refilter(): boolean {
    if (!this.isListening) return true;
    return this.open.every(({ socket, filter }) => {
      const program = filter();
      return program.length <= INSTRUCTIONS_MAX && socket.setFilter(program) === 0;
    });
  }

  /** How many bytes, or a negative errno. */
  sendFrame(frame: Uint8Array): number {
    return this.frames?.send(frame) ?? ENETDOWN;
  }

  /** How many bytes, or a negative errno. */
  sendAdvert(source: Uint8Array, destination: Uint8Array, payload: Uint8Array, ttl: number): number {
    const socket = destination.length === 4 ? this.adverts4 : this.adverts6;
    return socket?.send(source, destination, payload, ttl) ?? ENETDOWN;
  }

  // --- inside ---

  private closeAll(): void {
    for (const { socket } of this.open) {
      this.readable.remove(socket.descriptor);
      socket.close();
    }
    this.open.length = 0;
    this.frames?.close();
    this.frames = null;
    this.adverts4 = null;
    this.adverts6 = null;
  }

  /** All sockets anew: this happens at the start, at the end, and when an interface comes back. */
  private reopen(): void {
    this.closeAll();
    this.isStale = false;
    const link = this.current;
    const told = this.failure;
    this.failure = null;
    if (link === null || !this.isUsed) return;
    try {
      this.frames = new FrameSocket(link);
      this.openFamily(link, 4);
      this.openFamily(link, 6);
    } catch (error) {
      // Half of them is worse than none: who cannot hear must not speak.
      this.closeAll();
      this.failure = (error as Error).message;
      if (this.failure !== told) this.machine.note(`${this.name} cannot be used: ${this.failure}`);
    }
  }

  private openFamily(link: Link, family: 4 | 6): void {
    const attachments = this.attachments.filter(({ request }) => request.family === family);
    if (attachments.length === 0) return;
    const speakers = attachments.filter(({ request }) => request.adverts !== null);
    const isMulticast = speakers.some(({ request }) => request.adverts?.shape.peers === null);
    const handleNeighbor = (address: Uint8Array, mac: Uint8Array): void => {
      for (const { handler } of attachments) handler.handleNeighbor(address, mac);
    };
    if (speakers.length > 0) this.openAdverts(link, family, isMulticast, speakers);
    if (family === 6) {
      const neighbors = new NeighborAdvertisementSocket(link);
      this.hear(
        neighbors,
        () => ACCEPT_ALL,
        () => neighbors.read(handleNeighbor),
      );
      return;
    }
    const addresses = attachments.flatMap(({ request }) => request.addresses.map(({ address }) => address));
    const neighbors = new ArpSocket(link);
    this.hear(
      neighbors,
      () => arpFilter(addresses),
      () => neighbors.read(handleNeighbor),
    );
  }

  private openAdverts(link: Link, family: 4 | 6, isMulticast: boolean, speakers: readonly LinuxAttachment[]): void {
    if (family === 6) {
      this.adverts6 = new AdvertSocket6(link, isMulticast);
      this.hearAdverts(this.adverts6, advertFilter6, speakers);
      return;
    }
    this.adverts4 = new AdvertSocket4(link, VRRP_PROTOCOL, isMulticast);
    this.hearAdverts(this.adverts4, advertFilter4, speakers);
    const authenticated = new AdvertSocket4(link, AUTHENTICATION_HEADER_PROTOCOL, isMulticast);
    this.hearAdverts(authenticated, authenticatedAdvertFilter, speakers);
  }

  private hearAdverts(
    socket: AdvertSocket,
    filterOf: (routerIds: readonly number[], narrow: readonly NarrowRouter[]) => Filter,
    attachments: readonly LinuxAttachment[],
  ): void {
    const filter = (): Filter => {
      const wide = attachments.filter(({ narrowing }) => narrowing === null);
      const narrow = attachments.flatMap(({ narrowing, request: { virtualRouterId, adverts } }): NarrowRouter[] => {
        if (narrowing === null || adverts === null) return [];
        return [{ routerId: virtualRouterId, shape: adverts.shape, senders: narrowing.senders }];
      });
      return filterOf([...new Set(wide.map(({ request }) => request.virtualRouterId))], narrow);
    };
    const handle = (packet: SegmentPacket): void => {
      const routerId = routerIdOf(packet);
      for (const { request, handler } of attachments) {
        if (request.virtualRouterId === routerId) handler.handlePacket(packet);
      }
    };
    this.hear(socket, filter, () => socket.read(handle));
  }

  private hear(socket: HearingSocket, filter: () => Filter, read: () => void): void {
    this.open.push({ socket, filter });
    if (this.isListening) socket.setFilter(filter());
    this.readable.add(socket.descriptor, read);
  }
}

/** The filters have seen to it that there is one. */
function routerIdOf({ bytes, start, end, protocol }: SegmentPacket): number {
  if (protocol !== AUTHENTICATION_HEADER_PROTOCOL) return bytes[start + 1];
  return isVrrpInAuthenticationHeader(bytes, start, end) ? bytes[start + (bytes[start + 1] + 2) * 4 + 1] : -1;
}

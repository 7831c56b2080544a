/**
 * A virtual router's place on a network interface of this machine: the addresses with their lifetimes, on the interface
 * itself or on a macvlan with the virtual MAC, the settings they need, and the sender's address.
 *
 * The macvlan is up only while the addresses are held: a backup must not take frames to the virtual MAC (RFC 9568 section
 * 6.4.2), and its own must not draw the segment's switches to it.
 */
import { formatIP } from '../../../base/address.ts';
import { equalBytes } from '../../../base/bytes.ts';
import type {
  Attachment,
  AttachmentHandler,
  AttachRequest,
  Narrowing,
  SourceLoss,
  VirtualAddress,
} from '../../../port/segment.ts';
import { VRRP_TTL } from '../../../wire/vrrp/advert.ts';
import { errorName } from '../libc.ts';
import { ConcealedAddresses } from './concealed-addresses.ts';
import { advertFrame } from './frame-socket.ts';
import { isForeign, isInNetwork, isLinkLocal } from './link-address.ts';
import type { Machine } from './machine.ts';
import { Macvlan } from './macvlan.ts';
import { NetlinkWriter } from './netlink-message.ts';
import { OwnAddresses } from './own-addresses.ts';
import { Relay } from './relay.ts';
import {
  type HeldAddress,
  type Link,
  type LinkAddress,
  writeAddRoute,
  writeDeleteAddress,
  writeDeleteRoute,
  writeHoldAddress,
  writeSetUp,
} from './rtnetlink.ts';
import type { SegmentInterface } from './segment-interface.ts';
import { chooseSource, isSameSource } from './source-choice.ts';
import { readSysctl } from './sysctl.ts';
import type { Undo } from './undo-journal.ts';

/** What has the kernel hold the addresses, as long as nothing else on that link has changed. */
interface Holding {
  readonly linkIndex: number;
  readonly lifetimeS: number;
  readonly revision: number;
  readonly messages: Uint8Array;
}

const NO_MAC = new Uint8Array(6);
const EADDRNOTAVAIL = -99;
const EEXIST = -17;

export class LinuxAttachment implements Attachment {
  request: AttachRequest;
  readonly handler: AttachmentHandler;
  /** Hears only what may be an advert that is believed, and a sample of the rest. */
  narrowing: Narrowing | null = null;
  private readonly machine: Machine;
  private readonly segment: SegmentInterface;
  private readonly isVirtual: (address: LinkAddress) => boolean;
  private readonly handleClose: () => void;
  private readonly handleApplied: () => void;
  /** What the handler was told last; undefined: nothing yet. */
  private source: Uint8Array | SourceLoss | undefined = undefined;
  private toldMac: Uint8Array | null = null;
  private hasBegun = false;
  /** What it changes on the machine is written down, and changed. */
  private isEstablished = false;
  private isHolding = false;
  /** As far as is known, the addresses are where they were held last. */
  private isHeld = false;
  /** Of what it holds, what is known to be there, or to have been. */
  private readonly seen = new Set<Uint8Array>();
  private own: OwnAddresses;
  /** Another program's, until they are held. */
  private leftovers: readonly LinkAddress[] = [];
  /** All addresses, to find one among hundreds. */
  private texts: ReadonlySet<string>;
  private readonly concealed: ConcealedAddresses;
  /** There while it is needed; with the virtual MAC only. */
  private readonly macvlan: Macvlan;
  private currentRelay: Relay | null = null;
  /** The messages that put the addresses there; the same each time while they are held. */
  private holding: Holding | null = null;
  private identification = 0;
  /** Of its link, when it was looked at last. */
  private seenRevision = -1;

  /**
   * `isVirtual`: an address of any virtual router, which is never a sender's. `handleReveal`: the addresses are concealed no
   * more. `handleApplied`: it has something new to hear and to tell.
   */
  constructor(
    request: AttachRequest,
    handler: AttachmentHandler,
    machine: Machine,
    segment: SegmentInterface,
    isVirtual: (address: LinkAddress) => boolean,
    handleClose: () => void,
    handleReveal: () => void,
    handleApplied: () => void,
  ) {
    this.request = request;
    this.handler = handler;
    this.machine = machine;
    this.segment = segment;
    this.isVirtual = isVirtual;
    this.handleClose = handleClose;
    this.handleApplied = handleApplied;
    const { family, virtualRouterId } = request;
    this.macvlan = new Macvlan(machine, segment, family, virtualRouterId, (message) => this.note(message));
    this.concealed = new ConcealedAddresses(machine, family, handleReveal);
    const addresses = this.virtualAddresses;
    this.own = new OwnAddresses(machine, segment.name, addresses);
    this.texts = new Set(addresses.map(textOf));
  }

  /** To be called when the interface is another one of that name. */
  handleOtherLink(): void {
    this.holding = null;
    if (!this.hasBegun) return;
    this.isHolding = false;
    this.isHeld = false;
    this.seen.clear();
    this.removeLeftovers();
    this.isEstablished = false;
    this.establish();
  }

  /**
   * Makes the settings that the addresses need. A predecessor has made, and written down, the same ones: whoever goes on in
   * its place has more urgent things to do first.
   */
  establish(): void {
    const { machine, segment, request } = this;
    if (!this.hasBegun || this.isEstablished || segment.link === null) return;
    this.isEstablished = true;
    if (request.hasVirtualMac) this.findMacvlan();
    if (request.family === 4) {
      if (request.hasVirtualMac) {
        this.raiseArpSettings();
      } else {
        // Else the end of an own address takes with it the others of its network, a virtual one or its replacement.
        machine.raiseSysctl(`net/ipv4/conf/${segment.name}/promote_secondaries`, 1);
      }
    }
    const link = this.addressLinkName;
    this.own.adopt();
    const held = request.addresses.map(({ address, prefixLength }): Undo => {
      return { kind: 'address', link, address: formatIP(address), prefixLength };
    });
    machine.journal.add(...held);
  }

  // --- Attachment ---

  get hasLeftovers(): boolean {
    const { request, segment, machine } = this;
    const { link } = segment;
    if (link === null || request.hasVirtualMac || request.adverts?.isOwner === true) return false;
    const left = this.findForeign();
    const isWhole = this.virtualAddresses.every((address) => left.some((each) => equalBytes(each.address, address)));
    const own = machine.network.othersOf(link.index).filter(({ family }) => family === request.family);
    return isWhole && own.some((each) => !this.isVirtual(each));
  }

  begin(keepsAddresses: boolean): void {
    this.hasBegun = true;
    this.isHolding = keepsAddresses;
    this.leftovers = keepsAddresses ? this.findForeign() : [];
    if (!keepsAddresses) {
      this.removeLeftovers();
      this.establish();
    }
    this.segment.listen();
  }

  get mac(): Uint8Array {
    return this.segment.link?.mac ?? NO_MAC;
  }

  get isForwarding(): boolean {
    const family = this.request.family === 4 ? 'ipv4' : 'ipv6';
    return readSysctl(`net/${family}/conf/${this.segment.name}/forwarding`) === 1;
  }

  sendAdvert(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): string | null {
    const sent = this.send(source, destination, payload);
    return sent < 0 ? errorName(sent) : null;
  }

  sendFrame(frame: Uint8Array): void {
    this.segment.sendFrame(frame);
  }

  hold(lifetimeS: number): void {
    const link = this.findAddressLink();
    if (link === null || this.request.addresses.length === 0) return;
    const revision = this.machine.network.revisionOf(this.segment.link?.index ?? 0);
    const { holding } = this;
    if (holding?.linkIndex !== link.index || holding.lifetimeS !== lifetimeS || holding.revision !== revision) {
      const messages = this.holdMessages(link.index, lifetimeS);
      if (holding === null || !equalBytes(holding.messages, messages)) this.isHeld = false;
      this.holding = { linkIndex: link.index, lifetimeS, revision, messages };
    }
    const { messages } = this.holding as Holding;
    const isNew = !this.isHolding;
    this.isHolding = true;
    if (this.isHeld && this.machine.refresh(messages)) return;
    // A macvlan that goes up says so to the segment (MLD), and switches believe it, before its addresses are of any use.
    if (isNew && this.request.family === 6 && this.request.hasVirtualMac)
      this.concealed.conceal(this.virtualAddresses, lifetimeS);
    if (this.request.hasVirtualMac && !link.isUp) {
      this.machine.change(
        (writer) => writeSetUp(writer, link.index, true),
        (_, error) => this.note(`cannot set ${link.name} up (${errorName(error)})`),
      );
    }
    this.isHeld = true;
    this.machine.requests.change(messages, (index, error) => this.handleHoldError(link, index, error));
    // Of IPv6 addresses it is told later that they are there.
    if (this.isHeld && this.request.family === 4) {
      for (const { address } of this.request.addresses) this.seen.add(address);
    }
    if (isNew && this.request.family === 6) {
      this.machine.awaitDelivery6(link.index, this.virtualAddresses);
    }
    if (this.leftovers.length > 0) this.replaceLeftovers();
    this.concealed.reveal();
  }

  drop(): void {
    this.removeHeld();
    this.removeRoutes();
    this.concealed.reveal();
  }

  conceal(lifetimeS: number): void {
    if (this.isHolding) {
      this.raiseArpSettings();
      this.concealed.conceal(this.virtualAddresses, lifetimeS);
    }
    this.removeHeld();
  }

  relay(peer: Uint8Array, addresses: readonly Uint8Array[]): void {
    const { request, segment } = this;
    this.endRelay();
    if (segment.link === null) return;
    const name = `evenkeel-${request.virtualRouterId}-${segment.link.index}`;
    this.currentRelay = Relay.open({ name, addresses, peer, linkIndex: segment.link.index }, (reason) => {
      this.note(`open connections of ${formatIP(peer)} are reset: nftables cannot forward them to it (${reason})`);
    });
  }

  endRelay(): void {
    this.currentRelay?.close();
    this.currentRelay = null;
  }

  narrow(narrowing: Narrowing | null): boolean {
    this.narrowing = narrowing;
    if (this.segment.refilter()) return true;
    this.narrowing = null;
    this.segment.refilter();
    return false;
  }

  /** From the link that neighbours see. */
  private removeHeld(): void {
    const wasHolding = this.isHolding;
    this.isHolding = false;
    this.isHeld = false;
    this.seen.clear();
    this.holding = null;
    this.machine.settleRefreshes();
    this.machine.network.update();
    const link = this.machine.network.findLink(this.addressLinkName);
    if (link === null) return;
    // As they are held, should the table not know of that yet; and what somebody has added meanwhile, with its own prefix.
    const held = this.request.addresses.map((each) => this.heldAs(each));
    const there = wasHolding
      ? this.machine.network.othersOf(link.index).filter(({ address, prefixLength }) => {
          const isHeld = held.some((each) => each.prefixLength === prefixLength && equalBytes(each.address, address));
          return this.isOneOfOurs(address) && !isHeld;
        })
      : [];
    this.machine.change(
      (writer) => {
        // First, so that it does not tell the segment that it leaves groups (MLD): switches would believe that it is here.
        if (this.request.hasVirtualMac) writeSetUp(writer, link.index, false);
        for (const { address, prefixLength } of [...held, ...there]) {
          writeDeleteAddress(writer, link.index, address, prefixLength);
        }
      },
      (_, error) => {
        if (error !== EADDRNOTAVAIL) this.note(`cannot remove the addresses from ${link.name} (${errorName(error)})`);
      },
    );
  }

  /** The kernel has removed them with the addresses, but not where another interface has the same address. */
  private removeRoutes(): void {
    const link = this.machine.network.findLink(this.addressLinkName);
    if (link === null) return;
    this.machine.change((writer) => {
      for (const each of this.request.addresses) if (hasNetwork(each)) writeDeleteRoute(writer, link.index, each);
    });
  }

  apply(request: AttachRequest): void {
    const { machine, segment } = this;
    // Of an address that is there the label does not change.
    const isKept = ({ address, prefixLength, label }: VirtualAddress): boolean =>
      request.addresses.some((each) => {
        return each.prefixLength === prefixLength && each.label === label && equalBytes(each.address, address);
      });
    const gone = this.request.addresses.filter((each) => !isKept(each));
    if (this.hasBegun) {
      this.concealed.reveal();
      this.removeSome(gone);
    }
    const before = this.texts;
    this.request = request;
    this.texts = new Set(request.addresses.map(({ address }) => textOf(address)));
    this.own.apply(request.addresses.map(({ address }) => address));
    this.holding = null;
    this.isHeld = false;
    this.seen.clear();
    segment.refresh();
    this.handleApplied();
    if (!this.hasBegun) return;
    // What is new may have been put here by somebody else.
    this.removeAddresses((each) => !before.has(textOf(each.address)) && this.isLeftover(each));
    machine.network.update();
    this.isEstablished = false;
    this.establish();
  }

  /** Held or not, they are nobody's from now on. */
  private removeSome(gone: readonly VirtualAddress[]): void {
    if (gone.length === 0) return;
    const { machine, segment } = this;
    machine.settleRefreshes();
    machine.network.update();
    const linkName = this.addressLinkName;
    const link = machine.network.findLink(linkName);
    if (link !== null && this.isHolding) {
      machine.change((writer) => {
        for (const each of gone) {
          const { address, prefixLength } = this.heldAs(each);
          writeDeleteAddress(writer, link.index, address, prefixLength);
          if (hasNetwork(each)) writeDeleteRoute(writer, link.index, each);
        }
      });
    }
    const addresses = gone.map(({ address }) => address);
    this.own.giveBack(segment.link?.index ?? null, addresses);
    machine.journal.remove(
      (undo) =>
        undo.kind === 'address' &&
        undo.link === linkName &&
        addresses.some((address) => formatIP(address) === undo.address),
    );
  }

  close(): void {
    this.endRelay();
    const { machine, request, segment } = this;
    if (this.hasBegun) {
      this.drop();
      if (request.hasVirtualMac) this.macvlan.delete();
      const link = segment.link?.index ?? null;
      this.own.giveBack(link, this.virtualAddresses);
      machine.journal.remove(
        (undo) =>
          undo.kind === 'address' &&
          undo.link === this.addressLinkName &&
          request.addresses.some(({ address }) => formatIP(address) === undo.address),
      );
    }
    segment.remove(this);
    this.handleClose();
  }

  // --- for the host ---

  /** The interface may answer for what it has itself only: else it answers for virtual addresses that are elsewhere too. */
  get needsArpSettings(): boolean {
    return this.request.family === 4 && (this.request.hasVirtualMac || !this.concealed.isEmpty);
  }

  /** Addresses that should be there and are not. */
  findMissing(): readonly Uint8Array[] {
    if (!this.isHolding) return [];
    const { network } = this.machine;
    const link = network.findLink(this.addressLinkName);
    const addresses = this.virtualAddresses;
    // A macvlan that is down has its addresses and does not answer for them.
    if (link === null || (this.request.hasVirtualMac && !link.isUp)) return addresses;
    // Of an IPv6 address that was added the kernel tells a moment later, from a queue of its own (addrconf_dad_work):
    // what was never seen there cannot have been removed.
    const missing = addresses.filter((address) => !network.has(link.index, address));
    const removed = missing.filter((address) => this.seen.has(address));
    for (const address of addresses) this.seen.add(address);
    for (const address of missing) this.seen.delete(address);
    return removed;
  }

  tellMissing(addresses: readonly Uint8Array[]): void {
    if (addresses.length > 0) this.isHeld = false;
    for (const address of addresses) if (this.isHolding) this.handler.handleAddressRemoved(address);
  }

  /** Something of its link has changed: what else is there decides how its addresses are held, or that they are not. */
  adapt(): void {
    const revision = this.machine.network.revisionOf(this.segment.link?.index ?? 0);
    if (!this.hasBegun || revision === this.seenRevision) return;
    this.seenRevision = revision;
    if (!this.isHolding) this.removeAddresses((each) => isForeign(each) && each.linkIndex === this.segment.link?.index);
    else if (this.holding !== null && this.holding.revision !== revision) this.hold(this.holding.lifetimeS);
  }

  /** Tells the handler of another MAC address; to be called when something of the link may have changed. */
  tellMac(): void {
    const { mac, toldMac } = this;
    this.toldMac = mac;
    if (toldMac !== null && !equalBytes(toldMac, mac) && this.segment.link !== null) this.handler.handleMacChanged();
  }

  /** Tells the handler the sender's address, if it is another one than before, or why there is none. */
  tellSource(): void {
    if (this.request.adverts === null) return;
    const source = this.findSource();
    if (this.source !== undefined && isSameSource(source, this.source)) return;
    this.source = source;
    this.handler.handleSource(source);
  }

  /** Whether an address there is one of this router's. A link-local one is of its link only. */
  has({ linkIndex, address }: LinkAddress): boolean {
    if (!this.isOneOfOurs(address)) return false;
    if (!isLinkLocal(address)) return true;
    return (
      linkIndex === this.segment.link?.index || linkIndex === this.machine.network.findLink(this.addressLinkName)?.index
    );
  }

  // --- inside ---

  private raiseArpSettings(): void {
    if (this.request.family === 6) return;
    const { machine, segment } = this;
    // Else the interface answers for addresses of other interfaces too, with its own MAC address, and asks with them.
    machine.raiseSysctl(`net/ipv4/conf/${segment.name}/arp_ignore`, 1);
    machine.raiseSysctl(`net/ipv4/conf/${segment.name}/arp_announce`, 2);
  }

  private send(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): number {
    const { request, segment } = this;
    if (request.adverts?.shape.peers !== null) return segment.sendAdvert(source, destination, payload, VRRP_TTL);
    this.identification = (this.identification + 1) & 0xffff;
    const mac = request.hasVirtualMac ? this.macvlan.mac : this.mac;
    return segment.sendFrame(advertFrame(mac, source, destination, payload, this.identification));
  }

  private note(message: string): void {
    this.machine.note(`virtual router ${this.request.virtualRouterId} on ${this.segment.name}: ${message}`);
  }

  private findSource(): Uint8Array | SourceLoss {
    const { request, segment, machine, isVirtual } = this;
    const there = segment.link === null ? [] : machine.network.othersOf(segment.link.index);
    const addresses = there.filter(({ family }) => family === request.family);
    return chooseSource(request, segment, { addresses, isVirtual, findOwned: () => this.findOwned(addresses) });
  }

  private get addressLinkName(): string {
    return this.request.hasVirtualMac ? this.macvlan.name : this.segment.name;
  }

  /** As it is in the kernel now: with a virtual MAC the macvlan, which is made if need be. */
  private findAddressLink(): Link | null {
    if (!this.request.hasVirtualMac) return this.segment.link;
    return this.segment.link === null ? null : this.findMacvlan();
  }

  /** Before it has begun, nothing is changed. */
  private findMacvlan(): Link | null {
    return this.hasBegun ? this.macvlan.findOrCreate(this.isEstablished) : this.macvlan.find();
  }

  private get virtualAddresses(): Uint8Array[] {
    return this.request.addresses.map(({ address }) => address);
  }

  /** The addresses first, in their order. */
  private holdMessages(linkIndex: number, lifetimeS: number): Uint8Array {
    const writer = new NetlinkWriter();
    const { addresses, family } = this.request;
    for (const each of addresses) writeHoldAddress(writer, linkIndex, this.heldAs(each), lifetimeS);
    if (family === 6) return writer.finished();
    for (const each of addresses) {
      if (hasNetwork(each) && this.own.prefixOf(each.address) === null && !this.hasOwnRoute(each)) {
        writeAddRoute(writer, linkIndex, each);
      }
    }
    return writer.finished();
  }

  private handleHoldError(link: Link, index: number, error: number): void {
    const { addresses } = this.request;
    if (index >= addresses.length) {
      if (error !== EEXIST) this.note(`cannot add a route to the network of an address (${errorName(error)})`);
      return;
    }
    this.isHeld = false;
    const { address, prefixLength } = addresses[index];
    this.note(`cannot add ${formatIP(address)}/${prefixLength} to ${link.name} (${errorName(error)})`);
  }

  /**
   * An IPv4 address is of no network here: of several of one network, Linux makes the first one primary, and the network's
   * route is that one's. A virtual address would take part in that, and be first once the interface's own is changed.
   */
  private heldAs(each: VirtualAddress): HeldAddress {
    const prefixLength = this.own.prefixOf(each.address);
    if (prefixLength !== null) return { address: each.address, prefixLength, hasRoute: false };
    if (this.request.family === 4) return { ...each, prefixLength: 32, hasRoute: true };
    return { ...each, hasRoute: this.hasOwnRoute(each) };
  }

  /** The interface has an address of its own in the same network, and with it the route that is wanted. */
  private hasOwnRoute({ address }: VirtualAddress): boolean {
    const { link } = this.segment;
    if (link === null) return false;
    return this.machine.network
      .othersOf(link.index)
      .some((own) => own.family === this.request.family && !this.isVirtual(own) && isInNetwork(address, own));
  }

  /** Of this router's addresses and of its macvlan. */
  private removeLeftovers(): void {
    const { machine } = this;
    this.removeAddresses((each) => this.isLeftover(each));
    if (machine.network.findLink(this.macvlan.name) !== null) this.macvlan.delete();
    machine.network.update();
  }

  /** Whoever has put them there: this router does not hold them. */
  private removeAddresses(isWanted: (each: LinkAddress) => boolean): void {
    const left = this.machine.network.allAddresses().filter((each) => this.isOneOfOurs(each.address) && isWanted(each));
    const removed = left.filter((each) => !this.keepOwn(each));
    if (removed.length === 0) return;
    this.machine.change((writer) => {
      for (const { linkIndex, address, prefixLength } of removed) {
        writeDeleteAddress(writer, linkIndex, address, prefixLength);
      }
    });
    for (const each of removed) {
      const address = formatIP(each.address);
      if (!isForeign(each)) this.note(`${address} was left behind and is removed`);
      else this.note(`${address} was configured on the interface and is removed: leave it to evenkeel alone`);
    }
  }

  /** Its addresses on its interface, as another program has put them there. */
  private findForeign(): readonly LinkAddress[] {
    const there = this.machine.network.othersOf(this.segment.link?.index ?? 0);
    return there.filter((each) => isForeign(each) && this.isOneOfOurs(each.address));
  }

  /** What was held in their place has an end, and goes with this program. Those of the same network were changed by that. */
  private replaceLeftovers(): void {
    const others = this.leftovers.filter(({ address, prefixLength }) => {
      const each = this.request.addresses.find((wanted) => equalBytes(wanted.address, address));
      return each !== undefined && this.heldAs(each).prefixLength !== prefixLength;
    });
    this.leftovers = [];
    if (others.length === 0) return;
    this.machine.change((writer) => {
      for (const { linkIndex, address, prefixLength } of others)
        writeDeleteAddress(writer, linkIndex, address, prefixLength);
    });
  }

  private isLeftover(each: LinkAddress): boolean {
    const isHere = each.linkIndex === this.segment.link?.index;
    return isLinkLocal(each.address) ? this.has(each) : each.isOurs || isHere;
  }

  // --- addresses that are the machine's own as well ---

  /** Somebody has configured this address, and the machine has no other, or owns it (priority 255): it stays. */
  private keepOwn(each: LinkAddress): boolean {
    const { request, segment, machine } = this;
    if (!isForeign(each) || each.linkIndex !== segment.link?.index) return false;
    const address = formatIP(each.address);
    if (request.adverts?.isOwner === true) {
      this.own.add(each.address, each.prefixLength);
      return true;
    }
    const others = machine.network.othersOf(each.linkIndex).filter(({ family }) => family === request.family);
    if (others.some((other) => !this.isVirtual(other))) return false;
    this.note(
      `${address} is the only address of ${segment.name} and stays: give it another one, or this router priority 255`,
    );
    return true;
  }

  /** One of the addresses that the machine had by itself; `there` is what the interface has. */
  private findOwned(there: readonly LinkAddress[]): Uint8Array | undefined {
    const addresses = this.virtualAddresses;
    return (
      addresses.find((address) => this.own.prefixOf(address) !== null) ??
      there.find((each) => isForeign(each) && this.isOneOfOurs(each.address))?.address ??
      addresses.find((address) => this.own.isAdoptable(address))
    );
  }

  private isOneOfOurs(address: Uint8Array): boolean {
    return this.texts.has(textOf(address));
  }
}

function textOf(address: Uint8Array): string {
  return String.fromCharCode(...address);
}

/** An IPv4 address that is written with a network around it. */
function hasNetwork({ address, prefixLength }: VirtualAddress): boolean {
  return address.length === 4 && prefixLength < 32;
}

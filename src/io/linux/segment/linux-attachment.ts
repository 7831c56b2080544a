/**
 * A virtual router's place on a network interface of this machine: the addresses with their lifetimes, on the interface
 * itself or on a macvlan with the virtual MAC, the settings they need, and the sender's address.
 *
 * The macvlan is up only while the addresses are held: a backup must not take frames to the virtual MAC (RFC 9568 section
 * 6.4.2), and its own must not draw the segment's switches to it.
 */
import { formatIP } from '../../../base/address.ts';
import { compareBytes, equalBytes } from '../../../base/bytes.ts';
import type { Attachment, AttachmentHandler, AttachRequest, VirtualAddress } from '../../../port/segment.ts';
import { virtualMac, VRRP_TTL } from '../../../wire/vrrp/advert.ts';
import { errorName } from '../libc.ts';
import { advertFrame } from './frame-socket.ts';
import type { Machine } from './machine.ts';
import { NetlinkWriter } from './netlink-message.ts';
import { Relay } from './relay.ts';
import {
  type Link,
  type LinkAddress,
  writeCreateMacvlan,
  writeDeleteAddress,
  writeDeleteLink,
  writeHoldAddress,
  writeNoLinkLocal,
  writeSetUp,
} from './rtnetlink.ts';
import type { SegmentInterface } from './segment-interface.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';
import type { Undo } from './undo-journal.ts';

const NO_MAC = new Uint8Array(6);
const LOOPBACK = 'lo';
const EADDRNOTAVAIL = -99;

export class LinuxAttachment implements Attachment {
  readonly request: AttachRequest;
  readonly handler: AttachmentHandler;
  private readonly machine: Machine;
  private readonly segment: SegmentInterface;
  private readonly isVirtual: (address: LinkAddress) => boolean;
  private readonly virtualMac: Uint8Array;
  private readonly handleClose: () => void;
  private readonly handleReveal: () => void;
  /** What the handler was told last; undefined: nothing yet. */
  private source: Uint8Array | null | undefined = undefined;
  private hasBegun = false;
  /** What it changes on the machine is written down, and changed. */
  private isEstablished = false;
  private isHolding = false;
  /** As far as is known, the addresses are where they were held last. */
  private isHeld = false;
  /** Of what it holds, what is known to be there, or to have been. */
  private readonly seen = new Set<string>();
  /** The addresses are on the loopback interface: this machine has them, and no neighbour sees it. */
  private isConcealed = false;
  private currentRelay: Relay | null = null;
  /** The messages that put the addresses there; the same each time while they are held. */
  private holding: { readonly linkIndex: number; readonly lifetimeS: number; readonly messages: Uint8Array } | null =
    null;
  private identification = 0;

  /**
   * `isVirtual`: an address of any virtual router, which is never a sender's. `handleReveal`: the addresses are concealed no
   * more.
   */
  constructor(
    request: AttachRequest,
    handler: AttachmentHandler,
    machine: Machine,
    segment: SegmentInterface,
    isVirtual: (address: LinkAddress) => boolean,
    handleClose: () => void,
    handleReveal: () => void,
  ) {
    this.request = request;
    this.handler = handler;
    this.machine = machine;
    this.segment = segment;
    this.isVirtual = isVirtual;
    this.handleClose = handleClose;
    this.handleReveal = handleReveal;
    this.virtualMac = virtualMac(request.family, request.virtualRouterId);
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
        // Else the end of a virtual address takes the interface's own of the same network with it, if that came later.
        machine.raiseSysctl(`net/ipv4/conf/${segment.name}/promote_secondaries`, 1);
      }
    }
    for (const { address, prefixLength } of request.addresses) {
      const undo: Undo = { kind: 'address', link: this.addressLinkName, address: formatIP(address), prefixLength };
      machine.journal.add(undo);
    }
  }

  // --- Attachment ---

  begin(keepsAddresses: boolean): void {
    this.hasBegun = true;
    this.isHolding = keepsAddresses;
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

  sendAdvert(source: Uint8Array, destination: Uint8Array, payload: Uint8Array): void {
    const { request, segment } = this;
    if (!request.isMulticast) {
      segment.sendAdvert(source, destination, payload, VRRP_TTL);
      return;
    }
    this.identification = (this.identification + 1) & 0xffff;
    const mac = request.hasVirtualMac ? this.virtualMac : this.mac;
    segment.sendFrame(advertFrame(mac, source, destination, payload, this.identification));
  }

  sendFrame(frame: Uint8Array): void {
    this.segment.sendFrame(frame);
  }

  hold(lifetimeS: number): void {
    const link = this.findAddressLink();
    if (link === null) return;
    if (this.holding === null || this.holding.linkIndex !== link.index || this.holding.lifetimeS !== lifetimeS) {
      this.holding = { linkIndex: link.index, lifetimeS, messages: this.holdMessages(link.index, lifetimeS) };
      this.isHeld = false;
    }
    const isNew = !this.isHolding;
    this.isHolding = true;
    if (this.isHeld && this.machine.refresh(this.holding.messages)) return;
    // A macvlan that goes up says so to the segment (MLD), and switches believe it, before its addresses are of any use.
    if (isNew && this.request.family === 6 && this.request.hasVirtualMac) this.addConcealed(lifetimeS);
    if (this.request.hasVirtualMac && !link.isUp) {
      this.machine.change(
        (writer) => writeSetUp(writer, link.index, true),
        (_, error) => this.note(`cannot set ${link.name} up (${errorName(error)})`),
      );
    }
    const failures = this.machine.requests.change(this.holding.messages, (index, error) => {
      const { address, prefixLength } = this.request.addresses[index];
      this.note(`cannot add ${formatIP(address)}/${prefixLength} to ${link.name} (${errorName(error)})`);
    });
    this.isHeld = failures === 0;
    // Of IPv6 addresses it is told later that they are there.
    if (this.isHeld && this.request.family === 4) {
      for (const { address } of this.request.addresses) this.seen.add(formatIP(address));
    }
    if (isNew && this.request.family === 6) {
      this.machine.awaitDelivery6(
        link.index,
        this.request.addresses.map(({ address }) => address),
      );
    }
    this.reveal();
  }

  drop(): void {
    this.removeHeld();
    this.reveal();
  }

  conceal(lifetimeS: number): void {
    if (this.isHolding) {
      this.raiseArpSettings();
      this.addConcealed(lifetimeS);
    }
    this.removeHeld();
  }

  relay(peer: Uint8Array): void {
    const { request, segment } = this;
    this.endRelay();
    if (segment.link === null) return;
    const name = `evenkeel-${request.virtualRouterId}-${segment.link.index}`;
    const addresses = request.addresses.map(({ address }) => address);
    this.currentRelay = Relay.open({ name, addresses, peer, linkIndex: segment.link.index }, (reason) => {
      this.note(`connections that ${formatIP(peer)} has end: they cannot be passed on to it by nftables (${reason})`);
    });
  }

  endRelay(): void {
    this.currentRelay?.close();
    this.currentRelay = null;
  }

  /** From the link that neighbours see. */
  private removeHeld(): void {
    this.isHolding = false;
    this.isHeld = false;
    this.seen.clear();
    this.holding = null;
    this.machine.settleRefreshes();
    this.machine.network.update();
    const link = this.machine.network.findLink(this.addressLinkName);
    if (link === null) return;
    this.machine.change(
      (writer) => {
        // First, so that it does not tell the segment that it leaves groups (MLD): switches would believe that it is here.
        if (this.request.hasVirtualMac) writeSetUp(writer, link.index, false);
        for (const { address, prefixLength } of this.request.addresses) {
          writeDeleteAddress(writer, link.index, address, prefixLength);
        }
      },
      (_, error) => {
        if (error !== EADDRNOTAVAIL) this.note(`cannot remove the addresses from ${link.name} (${errorName(error)})`);
      },
    );
  }

  close(): void {
    this.endRelay();
    const { machine, request, segment } = this;
    if (this.hasBegun) {
      this.drop();
      if (request.hasVirtualMac) this.deleteMacvlan();
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
    return this.request.family === 4 && (this.request.hasVirtualMac || this.isConcealed);
  }

  /** Addresses that should be there and are not. */
  findMissing(): readonly Uint8Array[] {
    if (!this.isHolding) return [];
    const { network } = this.machine;
    const link = network.findLink(this.addressLinkName);
    const addresses = this.request.addresses.map(({ address }) => address);
    // A macvlan that is down has its addresses and does not answer for them.
    if (link === null || (this.request.hasVirtualMac && !link.isUp)) return addresses;
    // Of an IPv6 address that was added the kernel tells a moment later, from a queue of its own (addrconf_dad_work):
    // what was never seen there cannot have been removed.
    const missing = addresses.filter((address) => !network.has(link.index, address));
    const removed = missing.filter((address) => this.seen.has(formatIP(address)));
    this.seen.clear();
    for (const address of addresses) if (!missing.includes(address)) this.seen.add(formatIP(address));
    return removed;
  }

  tellMissing(addresses: readonly Uint8Array[]): void {
    if (addresses.length > 0) this.isHeld = false;
    for (const address of addresses) if (this.isHolding) this.handler.handleAddressRemoved(address);
  }

  /** Tells the handler the sender's address, if it is another one than before. */
  tellSource(): void {
    const source = this.findSource();
    const { source: told } = this;
    const isSame =
      told !== undefined && (told === null || source === null ? told === source : equalBytes(told, source));
    if (isSame) return;
    this.source = source;
    this.handler.handleSource(source);
  }

  // --- inside ---

  private raiseArpSettings(): void {
    if (this.request.family === 6) return;
    const { machine, segment } = this;
    // Else the interface answers for addresses of other interfaces too, with its own MAC address, and asks with them.
    machine.raiseSysctl(`net/ipv4/conf/${segment.name}/arp_ignore`, 1);
    machine.raiseSysctl(`net/ipv4/conf/${segment.name}/arp_announce`, 2);
  }

  /** A link-local address is nothing without its link. */
  private concealable(): Uint8Array[] {
    const addresses = this.request.addresses.map(({ address }) => address);
    return addresses.filter((address) => address.length === 4 || !isLinkLocal(address));
  }

  /** On Linux an address belongs to the machine: what is for it is taken, whatever interface it is on. */
  private addConcealed(lifetimeS: number): void {
    const { machine, request } = this;
    const loopback = machine.network.findLink(LOOPBACK);
    if (loopback === null) return;
    machine.change((writer) => {
      for (const address of this.concealable()) {
        const held = { address, prefixLength: 8 * address.length, hasRoute: true };
        writeHoldAddress(writer, loopback.index, held, lifetimeS);
      }
    });
    if (request.family === 6) machine.awaitDelivery6(loopback.index, this.concealable());
    this.isConcealed = true;
  }

  private reveal(): void {
    if (!this.isConcealed) return;
    this.isConcealed = false;
    const loopback = this.machine.network.findLink(LOOPBACK);
    if (loopback !== null) {
      this.machine.change((writer) => {
        for (const address of this.concealable()) {
          writeDeleteAddress(writer, loopback.index, address, 8 * address.length);
        }
      });
    }
    this.handleReveal();
  }

  private note(message: string): void {
    this.machine.note(`virtual router ${this.request.virtualRouterId} on ${this.segment.name}: ${message}`);
  }

  private findSource(): Uint8Array | null {
    const { request, segment, machine } = this;
    const { link } = segment;
    if (link === null || !link.isRunning || segment.isBroken) return null;
    const usable = machine.network
      .addressesOf(link.index)
      .filter((each) => each.family === request.family && !each.isTentative);
    if (request.source !== null) {
      const { source } = request;
      return usable.some(({ address }) => equalBytes(address, source)) ? source : null;
    }
    const own = usable.filter((each) => !this.isVirtual(each));
    if (request.family === 6) return own.find(({ address }) => isLinkLocal(address))?.address ?? null;
    return (own.find(({ isSecondary }) => !isSecondary) ?? own[0])?.address ?? null;
  }

  private get addressLinkName(): string {
    return this.request.hasVirtualMac ? this.macvlanName : this.segment.name;
  }

  /** As it is in the kernel now: with a virtual MAC the macvlan, which is made if need be. */
  private findAddressLink(): Link | null {
    if (!this.request.hasVirtualMac) return this.segment.link;
    return this.segment.link === null ? null : this.findMacvlan();
  }

  private holdMessages(linkIndex: number, lifetimeS: number): Uint8Array {
    const writer = new NetlinkWriter();
    for (const each of this.request.addresses) {
      writeHoldAddress(writer, linkIndex, { ...each, hasRoute: this.hasOwnRoute(each) }, lifetimeS);
    }
    return writer.finished();
  }

  /** The interface has an address of its own in the same network, and with it the route that is wanted. */
  private hasOwnRoute({ address }: VirtualAddress): boolean {
    const { link } = this.segment;
    if (link === null) return false;
    return this.machine.network
      .addressesOf(link.index)
      .some((own) => own.family === this.request.family && !this.isVirtual(own) && isInNetwork(address, own));
  }

  /** Of this router's addresses and of its macvlan. */
  private removeLeftovers(): void {
    const { machine, request, segment } = this;
    const leftovers = machine.network
      .allAddresses()
      .filter(
        (each) =>
          (each.isOurs || each.linkIndex === segment.link?.index) &&
          request.addresses.some(({ address }) => equalBytes(address, each.address)),
      );
    machine.change((writer) => {
      for (const { linkIndex, address, prefixLength } of leftovers) {
        writeDeleteAddress(writer, linkIndex, address, prefixLength);
      }
    });
    for (const { address } of leftovers) this.note(`${formatIP(address)} was left behind and is removed`);
    if (machine.network.findLink(this.macvlanName) !== null) this.deleteMacvlan();
    machine.network.update();
  }

  // --- the macvlan ---

  /** At most the 15 characters that a name may have. */
  private get macvlanName(): string {
    const { family, virtualRouterId } = this.request;
    return `vip${family}.${this.segment.link?.index ?? 0}.${virtualRouterId}`;
  }

  private findMacvlan(): Link | null {
    const { machine, macvlanName: name, segment, virtualMac: mac } = this;
    machine.network.update();
    const parent = segment.link;
    if (parent === null) return null;
    const found = machine.network.findLink(name);
    if (!this.hasBegun) return found;
    if (found !== null) {
      if (found.isMacvlan && found.parentIndex === parent.index && equalBytes(found.mac, mac)) {
        if (this.isEstablished) machine.journal.add({ kind: 'link', name });
        return found;
      }
      this.deleteMacvlan();
    }
    machine.journal.add({ kind: 'link', name });
    let problem: number | null = null;
    machine.change(
      (writer) => writeCreateMacvlan(writer, name, parent.index, mac),
      (_, error) => {
        problem = error;
      },
    );
    if (problem !== null) {
      this.note(`cannot create the macvlan ${name} (${errorName(problem)})`);
      return null;
    }
    machine.network.update();
    const created = machine.network.findLink(name);
    if (created !== null) this.configureMacvlan(created);
    return created;
  }

  private configureMacvlan(link: Link): void {
    this.machine.change((writer) => writeNoLinkLocal(writer, link.index));
    const settings: readonly (readonly [name: string, value: number])[] =
      this.request.family === 4
        ? [
            // Answer for the virtual addresses only.
            ['ipv4/conf/*/arp_ignore', 1],
            // Answers leave by the parent. Loose, which also overrides a strict `all`.
            ['ipv4/conf/*/rp_filter', 2],
            ['ipv4/conf/*/promote_secondaries', 1],
            ['ipv6/conf/*/disable_ipv6', 1],
          ]
        : [
            ['ipv4/conf/*/arp_ignore', 1],
            ['ipv6/conf/*/accept_ra', 0],
            ['ipv6/conf/*/autoconf', 0],
          ];
    for (const [name, value] of settings) {
      const error = writeSysctl(`net/${name.replace('*', link.name)}`, value);
      // Where IPv6 is off there is nothing to switch off.
      if (error === null || error === 'ENOENT') continue;
      this.note(`cannot set net.${name.replace('*', link.name).replaceAll('/', '.')} to ${value} (${error})`);
    }
  }

  private deleteMacvlan(): void {
    const { machine, macvlanName: name } = this;
    const link = machine.network.findLink(name);
    if (link !== null) machine.change((writer) => writeDeleteLink(writer, link.index));
    machine.journal.remove((undo) => undo.kind === 'link' && undo.name === name);
    machine.network.update();
  }
}

function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}

function isInNetwork(address: Uint8Array, network: LinkAddress): boolean {
  const whole = network.prefixLength >> 3;
  const rest = network.prefixLength & 7;
  if (compareBytes(address.subarray(0, whole), network.address.subarray(0, whole)) !== 0) return false;
  return rest === 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) === 0;
}

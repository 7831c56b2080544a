/**
 * The segments that this machine is on: `port/segment.ts` over rtnetlink, raw sockets and packet sockets.
 *
 * Its owner's loop waits for the descriptors, calls `update` in each turn, and then acts on what is due. Handlers are called
 * from there only.
 */
import { parseIPv4, parseIPv6 } from '../../../base/address.ts';
import { equalBytes } from '../../../base/bytes.ts';
import type {
  Attachment,
  AttachmentHandler,
  AttachRequest,
  InterfaceHandler,
  Routing,
  SegmentHost,
  WantedRouting,
} from '../../../port/segment.ts';
import { LinuxAttachment } from './linux-attachment.ts';
import { LinuxRouting, undoRouting } from './linux-routing.ts';
import { Machine } from './machine.ts';
import { NetlinkRequests } from './netlink-socket.ts';
import { NetworkTable } from './network-table.ts';
import type { RefreshQueue } from './refresh-queue.ts';
import { type Link, type LinkAddress, writeDeleteAddress, writeDeleteLink, writeRestoreAddress } from './rtnetlink.ts';
import { type Readable, SegmentInterface } from './segment-interface.ts';
import { bootTimeUs, unixTimeUs } from './system.ts';
import { type Undo, UndoJournal } from './undo-journal.ts';

export interface LinuxSegmentOptions {
  readonly readable: Readable;
  /** Tells the operator. */
  readonly note: (message: string) => void;
  /** Where to keep what has to be undone, for a successor. */
  readonly runDirectory: string;
  /** Takes what need not be waited for; null: everything is done at once. */
  readonly refreshes: RefreshQueue | null;
}

const RETRY_US = 1_000_000;

interface InterfaceWatch {
  readonly name: string;
  readonly handle: InterfaceHandler;
  /** The detail told last; null: nothing yet. */
  told: string | null;
}

export class LinuxSegmentHost implements SegmentHost {
  private readonly readable: Readable;
  private readonly machine: Machine;
  private readonly interfaces = new Map<string, SegmentInterface>();
  private attachments: readonly LinuxAttachment[] = [];
  private routings: readonly LinuxRouting[] = [];
  private watches: readonly InterfaceWatch[] = [];
  /** A new subscriber has not been notified yet. */
  private hasNewcomers = false;
  /** When to try again what could not be opened. */
  private retryUs = Number.POSITIVE_INFINITY;

  constructor({ readable, note, runDirectory, refreshes }: LinuxSegmentOptions) {
    this.readable = readable;
    const requests = new NetlinkRequests();
    const network = new NetworkTable(requests);
    this.machine = new Machine(requests, network, new UndoJournal(runDirectory, note), note, refreshes);
    readable.add(network.descriptor, () => network.update());
  }

  get nowUs(): number {
    return bootTimeUs();
  }

  get unixUs(): number {
    return unixTimeUs();
  }

  attach(request: AttachRequest, handler: AttachmentHandler): Attachment {
    const { interfaceName: name } = request;
    this.machine.network.update();
    let segment = this.interfaces.get(name);
    if (segment === undefined) {
      segment = new SegmentInterface(name, this.machine, this.readable);
      this.interfaces.set(name, segment);
    }
    const attachment: LinuxAttachment = new LinuxAttachment(
      request,
      handler,
      this.machine,
      segment,
      (address) => this.isVirtual(address),
      () => this.handleClosed(attachment),
      () => this.restoreArpSettings(name),
      () => {
        this.hasNewcomers = true;
      },
    );
    this.attachments = [...this.attachments, attachment];
    segment.add(attachment);
    if (segment.link === null) this.machine.note(`there is no interface ${name} now`);
    this.hasNewcomers = true;
    return attachment;
  }

  attachRouting(wanted: WantedRouting): Routing {
    const routing: LinuxRouting = new LinuxRouting(this.machine, wanted, () => {
      this.routings = this.routings.filter((each) => each !== routing);
    });
    this.routings = [...this.routings, routing];
    return routing;
  }

  watchInterface(name: string, handle: InterfaceHandler): () => void {
    const watch = { name, handle, told: null };
    this.watches = [...this.watches, watch];
    this.hasNewcomers = true;
    return () => {
      this.watches = this.watches.filter((each) => each !== watch);
    };
  }

  /** To be called when all have begun: makes their changes, and undoes what predecessors did and nobody continues. */
  settle(gone: readonly number[]): void {
    for (const attachment of this.attachments) attachment.establish();
    for (const routing of this.routings) routing.establish();
    this.removeLeftovers(gone);
  }

  /** Undoes what processes that are gone, or as good as that, have left behind, and nobody goes on with. */
  removeLeftovers(gone: readonly number[] = []): void {
    for (const undo of this.machine.journal.takeLeftBehind(gone)) this.undo(undo);
    this.machine.network.update();
  }

  /** There is something to tell: `update` is due at once. */
  get isUpdateDue(): boolean {
    return this.hasNewcomers || this.machine.network.hasNews;
  }

  /** Tells the handlers what has changed on this machine. */
  update(): void {
    if (!this.isUpdateDue && this.nowUs < this.retryUs) return;
    this.retryUs = Number.POSITIVE_INFINITY;
    this.machine.network.update();
    // What follows may hear of more, which is for the next turn.
    this.hasNewcomers = false;
    this.machine.network.hasNews = false;
    // Before any handler holds or drops anything: what that changes is not in the table yet.
    const missing = this.attachments.map((attachment) => attachment.findMissing());
    const { attachments } = this;
    for (const segment of this.interfaces.values()) {
      const isOther = segment.update();
      if (segment.isBroken) this.retryUs = this.nowUs + RETRY_US;
      if (!isOther) continue;
      for (const attachment of attachments) {
        if (attachment.request.interfaceName === segment.name) attachment.handleOtherLink();
      }
    }
    for (const watch of this.watches) this.tellInterface(watch);
    for (const attachment of attachments) attachment.adapt();
    for (const attachment of attachments) {
      attachment.tellSource();
      attachment.tellMac();
    }
    attachments.forEach((attachment, i) => attachment.tellMissing(missing[i]));
    // When the addresses that they are from are there again.
    for (const routing of this.routings) routing.adapt();
  }

  close(): void {
    this.readable.remove(this.machine.network.descriptor);
    this.machine.network.close();
    this.machine.requests.close();
  }

  private tellInterface(watch: InterfaceWatch): void {
    const link = this.machine.network.findLink(watch.name);
    const detail = describeLink(link);
    if (detail === watch.told) return;
    const wasUp = watch.told === 'up';
    const isFirst = watch.told === null;
    const isUp = detail === 'up';
    watch.told = detail;
    if (!isUp) this.machine.note(`interface ${watch.name} fails: ${detail}`);
    else if (!isFirst && !wasUp) this.machine.note(`interface ${watch.name} recovered`);
    watch.handle(isUp, detail);
  }

  private isVirtual(each: LinkAddress): boolean {
    return each.isOurs || this.attachments.some((attachment) => attachment.has(each));
  }

  private handleClosed(closed: LinuxAttachment): void {
    this.attachments = this.attachments.filter((each) => each !== closed);
    const { interfaceName } = closed.request;
    const rest = this.attachments.filter(
      ({ request }) => request.interfaceName === interfaceName && request.family === 4,
    );
    this.restoreArpSettings(interfaceName);
    if (!rest.some(({ request }) => !request.hasVirtualMac)) {
      this.machine.restoreSysctl(`net/ipv4/conf/${interfaceName}/promote_secondaries`);
    }
  }

  /** Unless they are still needed there. */
  private restoreArpSettings(interfaceName: string): void {
    const rest = this.attachments.filter(({ request }) => request.interfaceName === interfaceName);
    if (rest.some(({ needsArpSettings }) => needsArpSettings)) return;
    this.machine.restoreSysctl(`net/ipv4/conf/${interfaceName}/arp_ignore`);
    this.machine.restoreSysctl(`net/ipv4/conf/${interfaceName}/arp_announce`);
  }

  private undo(undo: Undo): void {
    const { machine } = this;
    switch (undo.kind) {
      case 'sysctl':
        machine.undoSysctl(undo);
        break;
      case 'link': {
        const link = machine.network.findLink(undo.name);
        if (link?.isMacvlan === true) machine.change((writer) => writeDeleteLink(writer, link.index));
        break;
      }
      case 'address': {
        const link = machine.network.findLink(undo.link);
        const address = parseIPv4(undo.address) ?? parseIPv6(undo.address);
        if (link === null || address === null) break;
        const held = machine.network.addressesOf(link.index).filter((each) => {
          return !each.isPermanent && equalBytes(each.address, address);
        });
        machine.change((writer) => {
          for (const each of held) writeDeleteAddress(writer, link.index, address, each.prefixLength);
        });
        break;
      }
      case 'own-address': {
        const link = machine.network.findLink(undo.link);
        const address = parseIPv4(undo.address) ?? parseIPv6(undo.address);
        if (link === null || address === null) break;
        machine.change((writer) => writeRestoreAddress(writer, link.index, address, undo.prefixLength));
        break;
      }
      case 'route':
      case 'rule':
        undoRouting(undo, machine);
        break;
    }
  }
}

function describeLink(link: Link | null): string {
  if (link === null) return 'there is no such interface';
  if (!link.isUp) return 'down';
  return link.isRunning ? 'up' : 'no carrier';
}

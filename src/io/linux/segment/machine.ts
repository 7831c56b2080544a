/** What every part of the segment host works on, and the changes that have to be undone. */
import { equalBytes } from '../../../base/bytes.ts';
import type { NetlinkRequests } from './netlink-socket.ts';
import { NetlinkWriter } from './netlink-message.ts';
import type { NetworkTable } from './network-table.ts';
import type { RefreshQueue } from './refresh-queue.ts';
import { readRouteTo, writeGetLocalRoutes6 } from './rtnetlink.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';
import { poll } from './system.ts';
import type { Undo, UndoJournal } from './undo-journal.ts';

/** What takes longer is not worth waiting for: adverts wait meanwhile. */
const DELIVERY_MS_MAX = 20;
const NO_DESCRIPTORS = new Int32Array(2);

export class Machine {
  readonly requests: NetlinkRequests;
  readonly network: NetworkTable;
  readonly journal: UndoJournal;
  /** Tells the operator what could not be done, or was found. */
  readonly note: (message: string) => void;
  private readonly refreshes: RefreshQueue | null;

  constructor(
    requests: NetlinkRequests,
    network: NetworkTable,
    journal: UndoJournal,
    note: (message: string) => void,
    refreshes: RefreshQueue | null,
  ) {
    this.requests = requests;
    this.network = network;
    this.journal = journal;
    this.note = note;
    this.refreshes = refreshes;
  }

  /** Has addresses held on that are there. Need not be done when this returns; false: has to be done some other way. */
  refresh(messages: Uint8Array): boolean {
    return this.refreshes?.push(messages) === true;
  }

  /** Returns when no refresh is on its way any more, which would bring an address back. */
  settleRefreshes(): void {
    this.refreshes?.settle();
  }

  /** One or more changes by rtnetlink; each is tried. */
  change(write: (writer: NetlinkWriter) => void, handleError?: (index: number, error: number) => void): number {
    const writer = new NetlinkWriter();
    write(writer);
    return this.requests.change(writer.finished(), handleError);
  }

  /**
   * Returns when packets to these IPv6 addresses, which were just added to that link, are delivered. The kernel does that a
   * moment after it has said that the address is there (addrconf_dad_work), and drops what comes before.
   */
  awaitDelivery6(linkIndex: number, addresses: readonly Uint8Array[]): void {
    for (let i = 0; i < DELIVERY_MS_MAX; i++) {
      const there: Uint8Array[] = [];
      const isComplete = this.requests.dump(
        (writer, flags) => writeGetLocalRoutes6(writer, flags, linkIndex),
        (bytes, message) => {
          const address = readRouteTo(bytes, message, linkIndex);
          if (address !== null) there.push(address);
        },
      );
      if (isComplete && addresses.every((address) => there.some((each) => equalBytes(each, address)))) return;
      poll(NO_DESCRIPTORS, 0, 1);
    }
  }

  /** Raises a setting to `value` until `restoreSysctl`. What it was before whoever has raised it already is what counts. */
  raiseSysctl(name: string, value: number): void {
    const isSame = (undo: Undo): boolean => undo.kind === 'sysctl' && undo.name === name;
    const current = readSysctl(name);
    if (current === null) return;
    const raised = this.journal.find(isSame) ?? this.journal.elsewhere().find(isSame);
    const isRaised = raised?.kind === 'sysctl' && raised.set === current;
    if (current >= value && !isRaised) return;
    // The entry that is there may be of an interface of this name that is gone.
    this.journal.remove(isSame);
    this.journal.add({
      kind: 'sysctl',
      name,
      before: isRaised ? raised.before : current,
      set: Math.max(current, value),
    });
    const error = current >= value ? null : writeSysctl(name, value);
    if (error === null) return;
    this.journal.remove(isSame);
    this.note(`cannot set ${name.replaceAll('/', '.')} to ${value} (${error})`);
  }

  /** Whoever needs it last restores it. */
  restoreSysctl(name: string): void {
    const undo = this.journal.find((each) => each.kind === 'sysctl' && each.name === name);
    if (undo === undefined) return;
    this.journal.remove((each) => each === undo);
    if (!this.journal.isSharedWithLiving(undo)) this.undoSysctl(undo);
  }

  /** Not if somebody has set it to something else since: then it is theirs. */
  undoSysctl(undo: Undo): void {
    if (undo.kind === 'sysctl' && readSysctl(undo.name) === undo.set) writeSysctl(undo.name, undo.before);
  }
}

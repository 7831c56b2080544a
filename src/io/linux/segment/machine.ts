/** What every part of the segment host works on, and the changes that have to be undone. */
import type { NetlinkRequests } from './netlink-socket.ts';
import { NetlinkWriter } from './netlink-message.ts';
import type { NetworkTable } from './network-table.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';
import type { Undo, UndoJournal } from './undo-journal.ts';

export class Machine {
  readonly requests: NetlinkRequests;
  readonly network: NetworkTable;
  readonly journal: UndoJournal;
  /** Tells the operator what could not be done, or was found. */
  readonly note: (message: string) => void;

  constructor(requests: NetlinkRequests, network: NetworkTable, journal: UndoJournal, note: (message: string) => void) {
    this.requests = requests;
    this.network = network;
    this.journal = journal;
    this.note = note;
  }

  /** One or more changes by rtnetlink; each is tried. */
  change(write: (writer: NetlinkWriter) => void, handleError?: (index: number, error: number) => void): number {
    const writer = new NetlinkWriter();
    write(writer);
    return this.requests.change(writer.finished(), handleError);
  }

  /** Raises a setting to `value` until `restoreSysctl`. */
  raiseSysctl(name: string, value: number): void {
    const isSame = (undo: Undo): boolean => undo.kind === 'sysctl' && undo.name === name;
    this.journal.adopt(isSame);
    const current = readSysctl(name);
    if (current === null || current >= value) return;
    this.journal.remove(isSame);
    this.journal.add({ kind: 'sysctl', name, before: current, set: value });
    const error = writeSysctl(name, value);
    if (error === null) return;
    this.journal.remove(isSame);
    this.note(`cannot set ${name.replaceAll('/', '.')} to ${value} (${error})`);
  }

  restoreSysctl(name: string): void {
    const isSame = (undo: Undo): boolean => undo.kind === 'sysctl' && undo.name === name;
    const undo = this.journal.find(isSame);
    if (undo === undefined) return;
    this.undoSysctl(undo);
    this.journal.remove(isSame);
  }

  /** Not if somebody has set it to something else since: then it is theirs. */
  undoSysctl(undo: Undo): void {
    if (undo.kind === 'sysctl' && readSysctl(undo.name) === undo.set) writeSysctl(undo.name, undo.before);
  }
}

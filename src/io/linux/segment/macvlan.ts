/**
 * The macvlan of a virtual router: a link with the virtual MAC address, on top of the interface. It is made when it is first needed,
 * and is up only while the addresses are held (linux-attachment.ts).
 */
import { equalBytes } from '../../../base/bytes.ts';
import { virtualMac } from '../../../wire/vrrp/advert.ts';
import { errorName } from '../libc.ts';
import type { Machine } from './machine.ts';
import { type Link, writeCreateMacvlan, writeDeleteLink, writeNoLinkLocal } from './rtnetlink.ts';
import { writeSysctl } from './sysctl.ts';

/** The interface that it is on top of. */
interface Parent {
  readonly link: Link | null;
}

type Settings = readonly (readonly [name: string, value: number])[];

const SETTINGS_4: Settings = [
  // Answer for the virtual addresses only.
  ['ipv4/conf/*/arp_ignore', 1],
  // Answers leave by the parent. Loose, which also overrides a strict `all`.
  ['ipv4/conf/*/rp_filter', 2],
  ['ipv4/conf/*/promote_secondaries', 1],
  ['ipv6/conf/*/disable_ipv6', 1],
];
const SETTINGS_6: Settings = [
  ['ipv4/conf/*/arp_ignore', 1],
  ['ipv6/conf/*/accept_ra', 0],
  ['ipv6/conf/*/autoconf', 0],
];

export class Macvlan {
  readonly mac: Uint8Array;
  private readonly machine: Machine;
  private readonly parent: Parent;
  private readonly family: 4 | 6;
  private readonly virtualRouterId: number;
  private readonly note: (message: string) => void;

  constructor(
    machine: Machine,
    parent: Parent,
    family: 4 | 6,
    virtualRouterId: number,
    note: (message: string) => void,
  ) {
    this.machine = machine;
    this.parent = parent;
    this.family = family;
    this.virtualRouterId = virtualRouterId;
    this.note = note;
    this.mac = virtualMac(family, virtualRouterId);
  }

  /** At most the 15 characters that a name may have. */
  get name(): string {
    return `vip${this.family}.${this.parent.link?.index ?? 0}.${this.virtualRouterId}`;
  }

  /** As it is now; null: it is not there. */
  find(): Link | null {
    this.machine.network.update();
    return this.parent.link === null ? null : this.machine.network.findLink(this.name);
  }

  /** As it is now, and made if need be. `isWrittenDown`: what is found is this process's to remove. Null: it cannot be made. */
  findOrCreate(isWrittenDown: boolean): Link | null {
    const { machine, name, parent } = this;
    const found = this.find();
    if (parent.link === null) return null;
    if (found !== null) {
      if (found.isMacvlan && found.parentIndex === parent.link.index && equalBytes(found.mac, this.mac)) {
        if (isWrittenDown) machine.journal.add({ kind: 'link', name });
        return found;
      }
      this.delete();
    }
    return this.create(parent.link);
  }

  private create(parent: Link): Link | null {
    const { machine, name } = this;
    machine.journal.add({ kind: 'link', name });
    let problem: number | null = null;
    machine.change(
      (writer) => writeCreateMacvlan(writer, name, parent.index, this.mac),
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
    if (created !== null) this.configure(created);
    return created;
  }

  private configure(link: Link): void {
    this.machine.change((writer) => writeNoLinkLocal(writer, link.index));
    for (const [name, value] of this.family === 4 ? SETTINGS_4 : SETTINGS_6) {
      const error = writeSysctl(`net/${name.replace('*', link.name)}`, value);
      // Where IPv6 is off there is nothing to switch off.
      if (error === null || error === 'ENOENT') continue;
      this.note(`cannot set net.${name.replace('*', link.name).replaceAll('/', '.')} to ${value} (${error})`);
    }
  }

  delete(): void {
    const { machine, name } = this;
    const link = machine.network.findLink(name);
    if (link !== null) machine.change((writer) => writeDeleteLink(writer, link.index));
    machine.journal.remove((undo) => undo.kind === 'link' && undo.name === name);
    machine.network.update();
  }
}

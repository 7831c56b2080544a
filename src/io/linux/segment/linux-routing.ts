/**
 * The routes and rules of one virtual router on this machine. Every one is of this program's protocol, and only such ones are
 * removed. What somebody else removes, or the kernel with an interface or an address, is put back.
 */
import type { KernelRoute, KernelRule } from '../../../base/kernel-routing.ts';
import type { Routing, WantedRouting } from '../../../port/segment.ts';
import { errorName } from '../libc.ts';
import type { Machine } from './machine.ts';
import { NetlinkWriter } from './netlink-message.ts';
import type { NetworkTable } from './network-table.ts';
import { writeAddRule, writeAddVirtualRoute, writeDeleteRule, writeDeleteVirtualRoute } from './route-messages.ts';
import { bootTimeUs } from './system.ts';
import type { Undo } from './undo-journal.ts';

const EEXIST = -17;
const ENODEV = -19;
/** What could not be put there may be possible later, of which nobody tells: a route that is needed first. */
const RETRY_US = 1_000_000;

type Item = { readonly route: KernelRoute } | { readonly rule: KernelRule };

/** What is known of one. */
interface Place {
  readonly item: Item;
  isThere: boolean;
  problem: string | null;
}

export class LinuxRouting implements Routing {
  private readonly machine: Machine;
  private readonly handleClose: () => void;
  /** Routes, then rules. */
  private places: readonly Place[];
  private hasBegun = false;
  private isHolding = false;
  /** As far as is known, everything is there. */
  private isHeld = false;
  private retryUs = Number.POSITIVE_INFINITY;

  constructor(machine: Machine, wanted: WantedRouting, handleClose: () => void) {
    this.machine = machine;
    this.handleClose = handleClose;
    this.places = itemsOf(wanted).map(newPlace);
  }

  get problems(): readonly (string | null)[] {
    return this.places.map(({ problem }) => problem);
  }

  begin(keepsThem: boolean): void {
    this.hasBegun = true;
    this.isHolding = keepsThem;
    if (keepsThem) {
      this.watch();
      return;
    }
    this.remove(this.places);
    this.establish();
  }

  /** Writes down what a successor would have to undo. A predecessor has written down the same. */
  establish(): void {
    if (!this.hasBegun) return;
    this.watch();
    this.machine.journal.add(...this.places.map(({ item }) => undoOf(item)));
  }

  hold(): void {
    this.isHolding = true;
    if (this.isHeld && bootTimeUs() < this.retryUs) return;
    this.put();
  }

  drop(): void {
    this.isHolding = false;
    this.isHeld = false;
    this.remove(this.places);
  }

  apply(wanted: WantedRouting): void {
    const keys = new Set(itemsOf(wanted).map(keyOf));
    const gone = this.places.filter(({ item }) => !keys.has(keyOf(item)));
    const kept = new Map(this.places.map((place) => [keyOf(place.item), place]));
    if (this.hasBegun) this.forget(gone);
    this.places = itemsOf(wanted).map((item) => kept.get(keyOf(item)) ?? newPlace(item));
    this.isHeld = false;
    if (!this.hasBegun) return;
    // What is new may have been left there by somebody who was killed.
    this.remove(this.places.filter((place) => !kept.has(keyOf(place.item))));
    this.establish();
  }

  close(): void {
    if (this.hasBegun) this.forget(this.places);
    this.isHolding = false;
    this.handleClose();
  }

  // --- for the host ---

  /** Something of links, addresses, or of what this program has put there, has changed. */
  adapt(): void {
    if (this.isHolding && this.isHeld) this.put();
  }

  // --- inside ---

  private watch(): void {
    if (this.places.length > 0) this.machine.network.watchOwnRoutes();
  }

  private put(): void {
    this.isHeld = true;
    this.retryUs = Number.POSITIVE_INFINITY;
    const tried: Place[] = [];
    const results = new Map<Place, string>();
    const known = new Set<Place>();
    const { machine, places } = this;
    const writer = new NetlinkWriter();
    for (const place of places) {
      if (writeAdd(writer, place.item, machine.network)) tried.push(place);
      else results.set(place, errorName(ENODEV));
    }
    machine.requests.change(writer.finished(), (index, error) => {
      if (error === EEXIST) known.add(tried[index]);
      else results.set(tried[index], errorName(error));
    });
    for (const place of places) this.settle(place, results.get(place) ?? null, known.has(place));
  }

  private settle(place: Place, problem: string | null, wasThere: boolean): void {
    const text = textOf(place.item);
    if (problem === null && place.problem !== null) this.machine.note(`${text} is there now`);
    else if (problem === null && place.isThere && !wasThere) this.machine.note(`${text} was removed and is put back`);
    else if (problem !== null && problem !== place.problem) this.machine.note(`cannot add the ${text} (${problem})`);
    if (problem !== null) this.retryUs = bootTimeUs() + RETRY_US;
    place.problem = problem;
    place.isThere = problem === null;
  }

  /** Whatever is known of them: the rules first, and the last of all first. */
  private remove(places: readonly Place[]): void {
    if (places.length === 0) return;
    const { machine } = this;
    machine.change((writer) => {
      for (const { item } of places.toReversed()) writeDelete(writer, item, machine.network);
    });
    for (const place of places) {
      place.isThere = false;
      place.problem = null;
    }
  }

  private forget(places: readonly Place[]): void {
    this.remove(places);
    const keys = new Set(places.map(({ item }) => keyOf(item)));
    this.machine.journal.remove((undo) => isRoutingUndo(undo) && keys.has(keyOf(undo)));
  }
}

/** Removes what a process that is gone has put there. */
export function undoRouting(undo: RoutingUndo, machine: Machine): void {
  machine.change((writer) => writeDelete(writer, undo, machine.network));
}

type RoutingUndo = Extract<Undo, { kind: 'route' | 'rule' }>;

function isRoutingUndo(undo: Undo): undo is RoutingUndo {
  return undo.kind === 'route' || undo.kind === 'rule';
}

function undoOf(item: Item): Undo {
  return 'route' in item ? { kind: 'route', route: item.route } : { kind: 'rule', rule: item.rule };
}

function itemsOf({ routes, rules }: WantedRouting): readonly Item[] {
  return [...routes.map((route) => ({ route })), ...rules.map((rule) => ({ rule }))];
}

function newPlace(item: Item): Place {
  return { item, isThere: false, problem: null };
}

function keyOf(item: Item): string {
  return JSON.stringify('route' in item ? item.route : item.rule);
}

function textOf(item: Item): string {
  return 'route' in item ? `route ${item.route.text}` : `rule ${item.rule.text}`;
}

/** False: its interface is not there. */
function writeAdd(writer: NetlinkWriter, item: Item, network: NetworkTable): boolean {
  if ('rule' in item) {
    writeAddRule(writer, item.rule);
    return true;
  }
  const link = linkOf(item.route, network);
  if (link !== undefined) writeAddVirtualRoute(writer, item.route, link);
  return link !== undefined;
}

/** A route whose interface is gone went with it. */
function writeDelete(writer: NetlinkWriter, item: Item, network: NetworkTable): void {
  if ('rule' in item) {
    writeDeleteRule(writer, item.rule);
    return;
  }
  const link = linkOf(item.route, network);
  if (link !== undefined) writeDeleteVirtualRoute(writer, item.route, link);
}

/** Null: it names none; undefined: it is not there. */
function linkOf({ interfaceName }: KernelRoute, network: NetworkTable): number | null | undefined {
  return interfaceName === null ? null : network.findLink(interfaceName)?.index;
}

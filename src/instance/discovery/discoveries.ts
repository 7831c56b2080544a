/**
 * The servers that upstreams with `discover` have: their sources are asked for as long as the configuration has them, and what was found is
 * written down, so that a restart begins with it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DiscoveryView } from '../../api/data-plane.ts';
import { ADDRESSES_PER_NAME_MAX, SERVER_SLOTS_MAX } from '../../base/limits.ts';
import { systemReason } from '../../base/system-error.ts';
import type { FoundServers } from '../../config/plan/found-servers.ts';
import type { DiscoveryPlan, ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { Finding } from '../../core/discovery/finding.ts';
import { type Log, printable } from '../../keeper/log/log.ts';
import { isTime, StateFile } from '../../keeper/state-file.ts';
import { type FoundList, LIST_BYTES_MAX, LIST_SERVERS_MAX, readList } from '../../load/found-servers.ts';
import type { ListHandler, ListSource } from './list-source.ts';
import { openSource, sourceName } from './sources.ts';

/** What was found last for an upstream. */
export interface FoundRecord {
  readonly upstream: string;
  /** Where: of another source it is worth nothing. */
  readonly from: string;
  /** The list, as it came. */
  readonly text: string;
  /** Servers that it does not have, and that stay for a while. */
  readonly missing?: readonly MissingRecord[];
}

interface MissingRecord {
  /** What the last list that had it said of it. */
  readonly entry: unknown;
  /** Unix time. */
  readonly sinceMs: number;
}

export interface DiscoveriesOptions {
  readonly file: Pick<StateFile<FoundRecord>, 'read' | 'write' | 'writeAgain'>;
  readonly log: Log;
  /** There are other servers: they are to be applied. Rejects with why they cannot be. */
  readonly onFound: () => Promise<void>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** As often it is tried again to apply what could not be. */
const AGAIN_MS = 5_000;
const NAMES_TOLD = 8;
const REASON_CHARACTERS_MAX = 300;

export function foundServersFile(directory: string, node: string, log: Log): StateFile<FoundRecord> {
  return new StateFile({
    directory,
    name: 'found-servers',
    node,
    what: 'servers that were found',
    isRecord,
    keyOf: ({ upstream }) => upstream,
    log,
  });
}

function isRecord(value: unknown): value is FoundRecord {
  const { upstream, from, text, missing = [] } = value as Partial<Record<keyof FoundRecord, unknown>>;
  const isList = typeof upstream === 'string' && typeof from === 'string' && typeof text === 'string';
  return isList && Array.isArray(missing) && missing.every(isMissing);
}

function isMissing(value: unknown): value is MissingRecord {
  return typeof value === 'object' && value !== null && 'entry' in value && 'sinceMs' in value && isTime(value.sinceMs);
}

export class Discoveries {
  private readonly options: DiscoveriesOptions;
  private all = new Map<string, Discovery>();
  /** Of the plan in force, with the servers of its file. */
  private upstreams: readonly UpstreamPlan[] = [];
  /** Of before the start. */
  private readonly remembered: ReadonlyMap<string, FoundRecord>;

  constructor(options: DiscoveriesOptions) {
    this.options = options;
    this.remembered = new Map(options.file.read().map((record) => [record.upstream, record]));
  }

  /** What upstreams of this plan have now that are not those of its file. */
  foundFor({ upstreams }: Plan): FoundServers {
    const found = new Map<string, readonly ServerPlan[]>();
    for (const upstream of upstreams) {
      if (upstream.discovery !== undefined) found.set(upstream.name, this.of(upstream, upstream.discovery).servers);
    }
    return found;
  }

  /** The plan is in force: its sources are asked from now on, and no others. */
  apply({ upstreams }: Plan): void {
    const wanted = new Map<string, Discovery>();
    for (const upstream of upstreams) {
      if (upstream.discovery === undefined) continue;
      const one = this.of(upstream, upstream.discovery);
      one.filed = upstream.servers;
      wanted.set(upstream.name, one);
    }
    for (const [name, one] of this.all) if (wanted.get(name) !== one) one.stop();
    this.all = wanted;
    this.upstreams = upstreams;
    for (const one of wanted.values()) one.begin();
  }

  /** The one that there is, or one that has not begun. */
  private of({ name }: UpstreamPlan, plan: DiscoveryPlan): Discovery {
    const former = this.all.get(name);
    if (former !== undefined && isDeepStrictEqual(former.plan, plan)) return former;
    const { log, now, onFound } = this.options;
    const remembered = former?.record ?? this.remembered.get(name) ?? null;
    return new Discovery({
      upstream: name,
      plan,
      remembered,
      log,
      now,
      onFound,
      whyNoRoom: (found) => this.whyNoRoom(name, found),
      onList: () => this.write(),
    });
  }

  stop(): void {
    for (const one of this.all.values()) one.stop();
  }

  storeAgain(): void {
    this.options.file.writeAgain();
  }

  /** Null: that one has no source. */
  view(upstream: string): DiscoveryView | null {
    return this.all.get(upstream)?.view() ?? null;
  }

  /** Null: the status board has room for these servers of an upstream, beside those that all others have now. */
  private whyNoRoom(upstream: string, found: readonly ServerPlan[]): string | null {
    const others = this.upstreams.filter(({ name }) => name !== upstream);
    const taken = others.map(({ name, servers }) => {
      const known = this.all.get(name)?.servers ?? [];
      return placesOf(known.length === 0 ? servers : known);
    });
    const room = taken.reduce((left, places) => left - places, SERVER_SLOTS_MAX);
    const needed = placesOf(found);
    if (needed <= room) return null;
    return `its servers need ${needed} places, one for an address and ${ADDRESSES_PER_NAME_MAX} for a name, and ${room} are left`;
  }

  private write(): void {
    this.options.file.write(Array.from(this.all.values()).flatMap(({ record }) => record ?? []));
  }
}

interface DiscoveryOptions extends Pick<DiscoveriesOptions, 'log' | 'now' | 'onFound'> {
  readonly upstream: string;
  readonly plan: DiscoveryPlan;
  readonly remembered: FoundRecord | null;
  /** Null: these can be taken. Else why not, for people. */
  readonly whyNoRoom: (servers: readonly ServerPlan[]) => string | null;
  /** Another list than the last one is of use. */
  readonly onList: () => void;
}

class Discovery implements ListHandler {
  readonly plan: DiscoveryPlan;
  /** The servers of the file in force. */
  filed: readonly ServerPlan[] = [];
  record: FoundRecord | null = null;
  private readonly options: DiscoveryOptions;
  private readonly finding: Finding<ServerPlan>;
  /** What lists said of those servers that there are, by their names. */
  private entries = new Map<string, unknown>();
  private source: ListSource | null = null;
  /** What is in force of what was found. Empty: the servers of the file are. */
  private applied: readonly ServerPlan[];
  private toldProblem: string | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: DiscoveryOptions) {
    const { plan, remembered } = options;
    this.options = options;
    this.plan = plan;
    this.finding = new Finding(plan.holdMs);
    if (remembered?.from === this.from) this.recall(remembered);
    this.applied = this.servers;
  }

  get from(): string {
    return sourceName(this.plan.from);
  }

  get servers(): readonly ServerPlan[] {
    return this.finding.servers;
  }

  begin(): void {
    if (this.source !== null) return;
    this.source = openSource(this.plan.from, this);
    this.settle();
  }

  stop(): void {
    this.isStopped = true;
    this.source?.stop();
    clearTimeout(this.timer);
  }

  view(): DiscoveryView {
    const { from, finding } = this;
    const nowMs = this.options.now();
    const { listedMs, problem } = finding;
    return {
      from,
      servers: finding.servers.length,
      listAgeMs: listedMs === null ? null : nowMs - listedMs,
      problem: problem === null ? null : { why: problem.why, forMs: nowMs - problem.sinceMs },
    };
  }

  handleText(text: string, nameOf?: (index: number) => string): void {
    // of a store it is as long as its keys
    if (text.length > LIST_BYTES_MAX) return this.handleFailure(`its list is longer than ${LIST_BYTES_MAX} bytes`);
    const read = readList(text, this.plan, nameOf);
    if ('problem' in read) return this.handleFailure(read.problem);
    // else nothing could be applied any more, whatever it is about
    const why = this.options.whyNoRoom(this.finding.with(read.servers));
    if (why !== null) return this.handleFailure(why);
    if (this.toldProblem !== null) this.options.log.info(`${this.options.upstream}: ${this.from} has a list again`);
    this.toldProblem = null;
    this.finding.handleList(read.servers, this.options.now());
    this.note(read);
    if (this.record?.text !== text) {
      this.record = { upstream: this.options.upstream, from: this.from, text, missing: this.missing };
      this.options.onList();
    }
    this.settle();
  }

  handleFailure(reason: string): void {
    // it may have the source's own words
    const why = printable(reason.slice(0, REASON_CHARACTERS_MAX));
    this.finding.handleFailure(why, this.options.now());
    if (why === this.toldProblem) return;
    this.toldProblem = why;
    const stays = this.servers.length === 0 ? 'the servers of the file count' : 'what was found before stays';
    this.options.log.warn(`${this.options.upstream}: no list of servers from ${this.from}: ${why}; ${stays}`);
  }

  /** Has what has changed applied, and comes again when a server's time is over. */
  private settle(): void {
    clearTimeout(this.timer);
    if (this.isStopped) return;
    this.finding.handleTime(this.options.now());
    const { deadlineMs, servers } = this.finding;
    if (Number.isFinite(deadlineMs)) this.comeAgain(Math.max(1, deadlineMs - this.options.now()));
    if (!isDeepStrictEqual(servers, this.applied)) void this.apply(servers);
  }

  private async apply(servers: readonly ServerPlan[]): Promise<void> {
    const { log, onFound, upstream } = this.options;
    const before = this.applied;
    this.applied = servers;
    try {
      await onFound();
      log.info(`${upstream}: ${changeText(before.length === 0 ? this.filed : before, servers)}, by ${this.from}`);
    } catch (error) {
      this.applied = before;
      log.error(`${upstream}: what ${this.from} says is not in force: ${systemReason(error)}`);
      if (!this.isStopped) this.comeAgain(AGAIN_MS);
    }
  }

  private comeAgain(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), afterMs).unref();
  }

  private recall(remembered: FoundRecord): void {
    const read = readList(remembered.text, this.plan);
    if ('problem' in read) return;
    this.record = remembered;
    const nowMs = this.options.now();
    const { missing = [] } = remembered;
    const held = readList(JSON.stringify(missing.map(({ entry }) => entry)), this.plan);
    const servers = 'problem' in held ? [] : held.servers;
    this.finding.recall(
      read.servers,
      servers.map((server, i) => ({ server, missingMs: nowMs - Math.max(0, Date.now() - missing[i].sinceMs) })),
      nowMs,
    );
    if (!('problem' in held)) this.note(held);
    this.note(read);
  }

  private note({ servers, entries }: FoundList): void {
    for (const [i, { name }] of servers.entries()) this.entries.set(name, entries[i]);
    const known = new Set(this.servers.map(({ name }) => name));
    for (const name of this.entries.keys()) if (!known.has(name)) this.entries.delete(name);
  }

  /** As many as a list may have, those that were missed last. */
  private get missing(): readonly MissingRecord[] {
    const nowMs = this.options.now();
    return this.finding.missing.slice(0, LIST_SERVERS_MAX).map(({ server: { name }, missingMs }) => {
      return { entry: this.entries.get(name), sinceMs: Math.max(0, Date.now() - (nowMs - missingMs)) };
    });
  }
}

function placesOf(servers: readonly ServerPlan[]): number {
  return servers.reduce((places, { slotCount }) => places + slotCount, 0);
}

function changeText(before: readonly ServerPlan[], after: readonly ServerPlan[]): string {
  const was = new Set(before.map(({ name }) => name));
  const is = new Set(after.map(({ name }) => name));
  const parts = [`${after.length} server${after.length === 1 ? '' : 's'}`];
  const added = [...is].filter((name) => !was.has(name));
  const gone = [...was].filter((name) => !is.has(name));
  if (added.length > 0) parts.push(`${someOf(added)} new`);
  if (gone.length > 0) parts.push(`${someOf(gone)} gone`);
  if (parts.length === 1) parts.push('the same ones as before');
  return parts.join(', ');
}

function someOf(names: readonly string[]): string {
  const told = names.slice(0, NAMES_TOLD).join(' ');
  return names.length > NAMES_TOLD ? `${told} and ${names.length - NAMES_TOLD} more` : told;
}

/**
 * What operators have said by hand: kept over reloads and, in a file, over restarts. It says in the log who said what, and
 * where the file says otherwise.
 */
import type { OverrideView } from '../api/data-plane.ts';
import { nearest, orList } from '../config/findings/suggest.ts';
import type { Plan } from '../config/plan/plan.ts';
import {
  type Change,
  changed,
  type Filed,
  filedOf,
  NODE,
  type Override,
  overridden,
  remaining,
} from '../core/overrides.ts';
import type { Log } from './log/log.ts';
import { WEIGHT_MAX } from '../api/operations.ts';
import { isTime, isWho, StateFile } from './state-file.ts';

export interface OverridesOptions {
  readonly file: Pick<StateFile<Override>, 'read' | 'write' | 'writeAgain' | 'unstored'>;
  /** From a predecessor that could not write them down; null: they are in the file. */
  readonly inherited: readonly Override[] | null;
  readonly log: Log;
  /** Upstreams that the plan in force has left without a server for new clients, each once: for people. */
  readonly takeIdled: () => readonly string[];
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
}

export interface Order {
  readonly change: Change;
  /** Who says so; null: they do not. */
  readonly by: string | null;
}

/** What was said by hand, and the plan of a file by it. */
export interface Proposal {
  readonly plan: Plan;
  /** The plan is in force. Returns what has been ordered, for people. */
  readonly commit: () => string;
}

const NAMES_SHOWN = 8;

export class Overrides {
  private readonly options: OverridesOptions;
  private overrides: readonly Override[];
  private isWritten: boolean;
  /** What the file in force says. */
  private filed: ReadonlyMap<string, Filed> = new Map();

  constructor(options: OverridesOptions) {
    this.options = options;
    this.overrides = options.inherited ?? options.file.read();
    this.isWritten = options.inherited === null;
  }

  /** `plan`: of a file. `order`: null if nobody says anything new. */
  propose(plan: Plan, order: Order | null): Proposal {
    const filed = filedOf(plan);
    const { unixMs } = this.options;
    const said = order === null ? this.overrides : changed(this.overrides, order.change, order.by, unixMs());
    const overrides = remaining(said, filed);
    return {
      plan: overridden(plan, overrides),
      commit: () => {
        const subject = order?.change.subject ?? null;
        this.tellStanding(overrides, filed, subject);
        this.tellEnded(overrides, filed, subject);
        const isSame = JSON.stringify(overrides) === JSON.stringify(this.overrides);
        this.overrides = overrides;
        this.filed = filed;
        if (!isSame || !this.isWritten) this.write();
        const told = order === null ? [] : [this.tellOrder(order)];
        return [...told, ...this.tellIdled()].join('\n');
      },
    };
  }

  /** Null: it can be overridden. Else why not, for people. */
  whyUnknown(plan: Plan, subject: string): string | null {
    const filed = filedOf(plan);
    if (filed.has(subject)) return null;
    const [kind] = subject.split(' ', 1);
    const candidates = [...filed.keys()].filter((each) => each.startsWith(`${kind} `));
    const near = nearest(subject, candidates);
    if (near !== null) return `there is no ${subject}; did you mean ${nameOf(near)}?`;
    const names = candidates.slice(0, NAMES_SHOWN).map(nameOf);
    const rest = candidates.length > names.length ? `, and ${candidates.length - names.length} more` : '';
    return `there is no ${subject}${names.length === 0 ? '' : `; write ${orList(names)}${rest}`}`;
  }

  /** As StateFile's. */
  get unstored(): string | null {
    return this.options.file.unstored;
  }

  /** For a successor, which could not read them; null: it can. */
  get memories(): readonly Override[] | null {
    return this.isWritten ? null : this.overrides;
  }

  storeAgain(): void {
    this.options.file.writeAgain();
    this.isWritten = this.unstored === null;
  }

  get isNodeDrained(): boolean {
    return this.overrides.some(({ subject }) => subject === NODE);
  }

  views(): readonly OverrideView[] {
    const nowMs = this.options.unixMs();
    return this.overrides.map(({ subject, state, weight, by, atMs }) => {
      return { subject, state, weight, by, ageMs: Math.max(0, nowMs - atMs), file: this.filed.get(subject)! };
    });
  }

  // --- inside ---

  private write(): void {
    this.options.file.write(this.overrides);
    this.isWritten = this.unstored === null;
  }

  private tellOrder({ change, by }: Order): string {
    const { subject } = change;
    const override = this.overrides.find((each) => each.subject === subject);
    const said = this.filed.get(subject)!;
    const what = override === undefined ? `as in the file: ${wordsOf(said)}` : overrideText(override, said);
    this.options.log.info(`${subject}${by === null ? '' : `, by ${by}`}: ${what}`);
    return `${subject}: ${what}`;
  }

  /** The order stands, whatever it leaves: whoever gave it may be about to enable another one. */
  private tellIdled(): readonly string[] {
    return this.options.takeIdled().map((text) => {
      this.options.log.warn(text);
      return `warning: ${text}`;
    });
  }

  /** Of those that stand: where the file says otherwise, and did not before. */
  private tellStanding(
    overrides: readonly Override[],
    filed: ReadonlyMap<string, Filed>,
    ordered: string | null,
  ): void {
    for (const override of overrides) {
      const said = filed.get(override.subject)!;
      const before = this.filed.get(override.subject);
      const isNews = before?.state !== said.state || before.weight !== said.weight;
      if (override.subject === ordered || !isNews) continue;
      const { subject, by, atMs } = override;
      const since = new Date(atMs).toISOString();
      this.options.log.warn(
        `${subject} stays as it was said by hand${by === null ? '' : ` by ${by}`} at ${since}: ${overrideText(override, said)}`,
      );
    }
  }

  private tellEnded(overrides: readonly Override[], filed: ReadonlyMap<string, Filed>, ordered: string | null): void {
    for (const { subject } of this.overrides) {
      if (subject === ordered || overrides.some((each) => each.subject === subject)) continue;
      const why = filed.has(subject) ? 'the file says the same' : 'the file has no such thing any more';
      this.options.log.info(`${subject}: what was said by hand has ended: ${why}`);
    }
  }
}

export function overridesFile(directory: string, node: string, log: Log): StateFile<Override> {
  return new StateFile({
    directory,
    name: 'overrides',
    node,
    what: 'what was said by hand',
    isRecord,
    keyOf: ({ subject }) => subject,
    log,
  });
}

/** `drained; the file says enabled` */
export function overrideText({ state, weight }: Pick<Override, 'state' | 'weight'>, file: Filed): string {
  const said = [...(state === null ? [] : [STATE_WORDS[state]]), ...(weight === null ? [] : [`weight ${weight}`])].join(
    ', ',
  );
  const filed = [
    ...(state === null ? [] : [STATE_WORDS[file.state]]),
    ...(weight === null ? [] : [`weight ${file.weight}`]),
  ].join(', ');
  return `${said}; the file says ${filed}`;
}

function wordsOf({ state, weight }: Filed): string {
  return `${STATE_WORDS[state]}${weight === null ? '' : `, weight ${weight}`}`;
}

const STATE_WORDS = { enabled: 'enabled', drain: 'drained', disabled: 'disabled', on: 'on', off: 'off' } as const;

/** `server web/a` is named as `web/a`. */
function nameOf(subject: string): string {
  return subject.slice(subject.indexOf(' ') + 1);
}

const SERVER = /^server [^/]+\/./;
const OTHER = /^(?:node$|listener .)/;
const MAINTENANCE = /^maintenance(?: .|$)/;

/** A listener and the node can be drained and nothing else, maintenance be on. */
function isRecord(value: unknown): value is Override {
  if (typeof value !== 'object' || value === null) return false;
  const { subject, state, weight, by, atMs } = value as Record<string, unknown>;
  if (typeof subject !== 'string' || !isWho(by) || !isTime(atMs)) return false;
  if (OTHER.test(subject)) return state === 'drain' && weight === null;
  if (MAINTENANCE.test(subject)) return state === 'on' && weight === null;
  return SERVER.test(subject) && isSaid(state, isState) && isSaid(weight, isWeight) && (state ?? weight) !== null;
}

/** Null: as in the file. */
function isSaid(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === null || is(value);
}

function isState(value: unknown): boolean {
  return value === 'enabled' || value === 'drain' || value === 'disabled';
}

function isWeight(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= WEIGHT_MAX;
}

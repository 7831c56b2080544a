/**
 * Another configuration for a running evenkeel: reads it and goes on by what it says, or says why not and changes nothing. One at a time, whether it
 * is a reload or comes over the admin API. Of reloads that are asked for meanwhile only the last one is carried out, for it reads what all of them would
 * have read; all of them are told how it ended.
 */
import { AssertionError } from '../base/assert.ts';
import { announceChanges } from '../config/plan/announce-changes.ts';
import { haChanges } from '../config/plan/ha-changes.ts';
import { peersChanges } from '../config/plan/peers-changes.ts';
import { planChanges } from '../config/plan/plan-changes.ts';
import { Refusal } from '../keeper/api/app.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Print } from '../load/config-file.ts';
import type { Loaded } from '../load/load.ts';
import type { AdminTls } from '../load/tls/admin.ts';

/** Nothing has changed. The message says why, for people: a line for each reason. */
export class ReloadError extends Error {
  override readonly name = 'ReloadError';
}

export interface ReloaderOptions {
  readonly log: Log;
  /** Reads the file and checks it as a start would. Null: it cannot be run, and why has been printed. */
  readonly read: (print: Print) => Promise<Loaded | null>;
  /** What is in force. */
  readonly current: () => Loaded;
  /** Makes it what is in force, and calls `commit` then; rejects, with nothing changed, if it cannot be. */
  readonly apply: (loaded: Loaded, commit: () => void) => Promise<void>;
  /** Of one that was refused, instead of the usual lines of the log. */
  readonly tellRefused?: ((by: string, reasons: readonly string[]) => void) | null;
}

/** How configurations that were to be applied since the start have fared. */
export interface ReloadAccount {
  readonly applied: number;
  readonly refused: number;
  /** The last one was. */
  readonly isRefused: boolean;
  /** Since when the one that holds does: as of `performance.now`. */
  readonly appliedAtMs: number;
}

export interface Replacement {
  readonly what: 'reload' | 'configuration';
  /** For the log, where it is followed by what has changed, or by `refused`. */
  readonly title: string;
  /** As that of the options. */
  readonly read: (print: Print) => Promise<Loaded | null>;
  /** It is in force, and nothing else has changed since. */
  readonly commit: () => void;
}

/** Of what is wrong with a file. */
const LOGGED_MAX = 20;

export class Reloader {
  private readonly options: ReloaderOptions;
  private running: Promise<unknown> = Promise.resolve();
  private next: Promise<readonly string[]> | null = null;
  account: ReloadAccount = { applied: 0, refused: 0, isRefused: false, appliedAtMs: performance.now() };

  constructor(options: ReloaderOptions) {
    this.options = options;
  }

  /** Resolves with what has changed; rejects with ReloadError or NotNowError. `by`: who asked, for the log. */
  reload(by: string): Promise<readonly string[]> {
    if (this.next !== null) return this.next;
    const { read, tellRefused } = this.options;
    const tell = tellRefused ? (reasons: readonly string[]): void => tellRefused(by, reasons) : null;
    const next = this.inTurn(() => {
      this.next = null;
      return this.run({ what: 'reload', title: `reload by ${by}`, read, commit: () => undefined }, tell);
    });
    this.next = next;
    return next;
  }

  /** Likewise, and also with what `read` rejects with. */
  replace(replacement: Replacement): Promise<readonly string[]> {
    // A reload that is asked for later reads what is there then.
    this.next = null;
    return this.inTurn(() => this.run(replacement, null));
  }

  /** When none is under way. */
  inTurn<T>(what: () => Promise<T>): Promise<T> {
    const done = this.running.then(what);
    this.running = done.catch(() => undefined);
    return done;
  }

  private async run(
    replacement: Replacement,
    tellRefused: ((reasons: readonly string[]) => void) | null,
  ): Promise<readonly string[]> {
    const { log } = this.options;
    const { title } = replacement;
    try {
      const changes = await this.apply(replacement);
      const { applied, refused } = this.account;
      this.account = { applied: applied + 1, refused, isRefused: false, appliedAtMs: performance.now() };
      log.info(`${title}: ${changes.length === 0 ? 'nothing has changed' : changes.join('; ')}`);
      return changes;
    } catch (error) {
      // No configuration was made of it, or it may well be applied later.
      if (!(error instanceof Refusal))
        this.account = { ...this.account, refused: this.account.refused + 1, isRefused: true };
      if (isBug(error)) {
        log.error(
          `${title} failed, and what is in force is not certain: restart; ${lines((error as Error).stack ?? '')}`,
        );
        throw new ReloadError(
          'failed by a bug, and what is in force is not certain: restart, and report what the log says',
        );
      }
      const { message } = error as Error;
      const reasons = message.split('\n');
      if (tellRefused !== null) tellRefused(reasons);
      else this.logRefusal(replacement, reasons);
      throw error instanceof ReloadError || error instanceof Refusal ? error : new ReloadError(message);
    }
  }

  /** What is wrong with a file is a line each, and the last one counts them. */
  private logRefusal({ what, title }: Replacement, reasons: readonly string[]): void {
    const { log } = this.options;
    const several = reasons.length > 2;
    log.error(`${title} refused, nothing has changed: ${several ? reasons.at(-1) : reasons[0]}`);
    if (!several) return;
    for (const reason of reasons.slice(0, Math.min(LOGGED_MAX, reasons.length - 1)))
      log.error(`${what} refused: ${reason}`);
    if (reasons.length - 1 <= LOGGED_MAX) return;
    if (what === 'reload') log.error('reload refused: `evenkeel check` shows what else is wrong');
    else log.error('configuration refused: the answer has what else is wrong');
  }

  private async apply({ read, commit }: Replacement): Promise<readonly string[]> {
    const { current, apply } = this.options;
    let printed = '';
    const loaded = await read((text) => {
      printed += text;
    });
    if (loaded === null) throw new ReloadError(withoutWarnings(printed));
    const before = current();
    const fixed = needsRestart(before, loaded);
    if (fixed !== null) throw new ReloadError(`${fixed} has changed, and takes a restart`);
    await apply(loaded, commit);
    const { plan, ha, announce, peers, adminTls } = loaded.ready;
    return [
      ...planChanges(before.ready.plan, plan),
      ...(sameFiles(before.ready.adminTls, adminTls) ? [] : ['admin: tls changed']),
      ...haChanges(before.ready.ha, ha),
      ...announceChanges(before.ready.announce, announce),
      ...peersChanges(before.ready.peers, peers),
    ];
  }
}

function sameFiles(before: AdminTls | null, after: AdminTls | null): boolean {
  return JSON.stringify(before?.files) === JSON.stringify(after?.files);
}

/** A part of the file that is only read at the start; null: none of them has changed. */
function needsRestart({ ready: before }: Loaded, { ready: after }: Loaded): string | null {
  if (before.ha !== null && after.ha !== null && before.ha.node !== after.ha.node) return '`node`';
  if (before.user !== after.user) return '`user`';
  return null;
}

/** No refusal: nobody knows how far it got. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof AssertionError;
}

/** As one line. */
function lines(text: string): string {
  return text.split('\n').join('; ');
}

/** Of what is printed about a file: what keeps it from being run. */
function withoutWarnings(printed: string): string {
  const kept = printed
    .trim()
    .split('\n')
    .filter((line) => !line.includes(': warning: '));
  return kept.join('\n');
}

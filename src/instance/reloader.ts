/**
 * Reload of a running evenkeel: reads the file again and goes on by what it says now, or says why not and changes nothing.
 * One at a time. Of those that are asked for meanwhile only the last one is carried out, for it reads what all of them would
 * have read; all of them are told how it ended.
 */
import { AssertionError } from '../base/assert.ts';
import { haChanges } from '../config/ha-changes.ts';
import { peersChanges } from '../config/peers-changes.ts';
import { planChanges } from '../config/plan-changes.ts';
import { NotNowError } from '../keeper/api/app.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Print } from '../load/config-file.ts';
import type { Loaded } from '../load/load.ts';

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
  /** Makes it what is in force; rejects, with nothing changed, if it cannot be. */
  readonly apply: (loaded: Loaded) => Promise<void>;
  /** Of one that was refused, instead of the usual lines of the log. */
  readonly tellRefused?: ((by: string, reasons: readonly string[]) => void) | null;
}

/** Of what is wrong with a file. */
const LOGGED_MAX = 20;

export class Reloader {
  private readonly options: ReloaderOptions;
  private running: Promise<unknown> = Promise.resolve();
  private next: Promise<readonly string[]> | null = null;

  constructor(options: ReloaderOptions) {
    this.options = options;
  }

  /** Resolves with what has changed; rejects with ReloadError or NotNowError. `by`: who asked, for the log. */
  reload(by: string): Promise<readonly string[]> {
    if (this.next !== null) return this.next;
    const next = this.running.then(() => {
      this.next = null;
      return this.run(by);
    });
    this.next = next;
    this.running = next.catch(() => undefined);
    return next;
  }

  private async run(by: string): Promise<readonly string[]> {
    const { log } = this.options;
    try {
      const changes = await this.applyFile();
      log.info(`reload by ${by}: ${changes.length === 0 ? 'nothing has changed' : changes.join('; ')}`);
      return changes;
    } catch (error) {
      if (isBug(error)) {
        log.error(
          `reload by ${by} failed, and what is in force is not certain: restart; ${lines((error as Error).stack ?? '')}`,
        );
        throw new ReloadError(
          'failed by a bug, and what is in force is not certain: restart, and report what the log says',
        );
      }
      const { message } = error as Error;
      const reasons = message.split('\n');
      if (this.options.tellRefused) this.options.tellRefused(by, reasons);
      else this.logRefusal(by, reasons);
      throw error instanceof ReloadError || error instanceof NotNowError ? error : new ReloadError(message);
    }
  }

  /** What is wrong with a file is a line each, and the last one counts them. */
  private logRefusal(by: string, reasons: readonly string[]): void {
    const { log } = this.options;
    const several = reasons.length > 2;
    log.error(`reload by ${by} refused, nothing has changed: ${several ? reasons.at(-1) : reasons[0]}`);
    if (!several) return;
    for (const reason of reasons.slice(0, Math.min(LOGGED_MAX, reasons.length - 1)))
      log.error(`reload refused: ${reason}`);
    if (reasons.length - 1 > LOGGED_MAX) log.error('reload refused: `evenkeel check` shows what else is wrong');
  }

  private async applyFile(): Promise<readonly string[]> {
    const { read, current, apply } = this.options;
    let printed = '';
    const loaded = await read((text) => {
      printed += text;
    });
    if (loaded === null) throw new ReloadError(withoutWarnings(printed));
    const before = current();
    const fixed = needsRestart(before, loaded);
    if (fixed !== null) throw new ReloadError(`${fixed} has changed, and takes a restart`);
    await apply(loaded);
    const { plan, ha, peers } = loaded.ready;
    return [
      ...planChanges(before.ready.plan, plan),
      ...haChanges(before.ready.ha, ha),
      ...peersChanges(before.ready.peers, peers),
    ];
  }
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
    .filter((line) => !/:\d+:\d+: warning: /.test(line));
  return kept.join('\n');
}

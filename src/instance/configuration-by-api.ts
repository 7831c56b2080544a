/**
 * Another configuration by the admin API. It goes into force as that of a reload does, and is stored when it has: from then on it goes before the
 * files. One that has to be confirmed is stored when it is, and until then what was before comes back: in time, or by a restart (RFC 6241
 * section 8.4, confirmed commit).
 */
import { createHmac, randomBytes } from 'node:crypto';
import { systemReason } from '../base/system-error.ts';
import type { ChangeError } from '../config/change/pointer.ts';
import { NotNowError, Refusal } from '../keeper/api/app.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Draft } from '../keeper/private-file.ts';
import type { ChangeRequest } from '../load/change-request.ts';
import type { Print } from '../load/config-file.ts';
import { draftStored, removeStored } from '../load/configuration-store.ts';
import type { Loaded, LoadRequest, LoadResult } from '../load/load.ts';
import type { Reloader } from './reloader.ts';

export interface ConfigurationByApiOptions {
  readonly reloader: Pick<Reloader, 'replace' | 'inTurn'>;
  readonly current: () => Loaded;
  readonly load: (source: NonNullable<LoadRequest['source']>) => Promise<LoadResult>;
  /** Where it is kept. Null: it cannot be. */
  readonly storePath: string | null;
  /** What is in force was so before: certificates may have been replaced since. */
  readonly onRolledBack: () => void;
  readonly log: Log;
}

export interface ChangeOrder extends Pick<ChangeRequest, 'kind' | 'at' | 'body' | 'by'> {
  /** Of If-Match. */
  readonly ifMatch: string;
  /** Null: it stays. */
  readonly confirmS: number | null;
}

export interface ChangeResult {
  /** What has changed, for people. */
  readonly changes: readonly string[];
  /** What may be better, for people. */
  readonly warnings: readonly string[];
}

/** One that is in force and not confirmed. */
interface Pending {
  /** What was in force before the first of them. */
  readonly former: Loaded;
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

/** What is in force, as it is to be after a restart, could not be written down. */
interface Unwritten {
  /** Tries again. Throws the reason. */
  readonly write: () => void;
  /** What a restart will forget, and why. */
  readonly text: string;
}

const STATUS_OF: Readonly<Record<ChangeError['kind'], Refusal['status']>> = { syntax: 400, absent: 404, refused: 422 };
const STATUS_CHANGED = 412;
/** A roll-back that has failed is tried again. */
const AGAIN_MS = 5_000;
const UNCONFIRMED =
  'the configuration in force waits to be confirmed: `evenkeel config confirm`, or `evenkeel config roll-back`';
const NOT_HERE =
  'it cannot be set by the API where it comes from standard input, or is run as nginx or keepalived run theirs: change the files';

export class ConfigurationByApi {
  private readonly options: ConfigurationByApiOptions;
  private pending: Pending | null = null;
  private unwritten: Unwritten | null = null;
  /** Whoever sees a tag cannot try out what secrets it is made of. */
  private readonly tagKey = randomBytes(32);

  constructor(options: ConfigurationByApiOptions) {
    this.options = options;
  }

  /** Of what is in force (RFC 9110 section 8.8.3). Another process makes another one of the same. */
  get etag(): string {
    return `"${createHmac('sha256', this.tagKey).update(this.options.current().digest).digest('hex').slice(0, 32)}"`;
  }

  /** What was before comes back in so long; null: it does not. */
  get rollbackInMs(): number | null {
    return this.pending === null ? null : Math.max(0, this.pending.untilMs - performance.now());
  }

  /** Whoever reads the configuration again would go by another one than what was asked for last: why. Null: they would not. */
  findReadingObstacle(): string | null {
    if (this.pending !== null) return UNCONFIRMED;
    this.storeAgain();
    return this.unstored === null ? null : `it would forget ${this.unstored}`;
  }

  /** Resolves when it is in force; rejects with a Refusal or ReloadError, and then nothing has changed. */
  set({ ifMatch, confirmS, ...change }: ChangeOrder): Promise<ChangeResult> {
    const { reloader, current, storePath } = this.options;
    if (storePath === null) throw new Refusal(409, NOT_HERE);
    this.match(ifMatch);
    let before = current();
    let stored: Loaded | null = null;
    let draft: Draft | null = null;
    const warnings: string[] = [];
    const replaced = reloader.replace({
      what: 'configuration',
      title: `configuration set${byText(change.by)}`,
      read: async (print) => {
        this.match(ifMatch);
        before = current();
        const { config: base, origin } = before;
        const loaded = await this.read({ ...change, base, origin }, (line) => {
          if (line.includes(': warning: ')) warnings.push(line.trim());
          print(line);
        });
        // Before it is in force: what cannot be stored is not to be.
        if (loaded !== null) draft = this.draft(loaded);
        stored = loaded;
        return loaded;
      },
      commit: () => {
        const former = this.settle()?.former ?? before;
        if (confirmS !== null) return this.await(former, confirmS);
        this.store(
          'the configuration that was set',
          () => draft!.commit(),
          () => this.write(stored!),
        );
      },
    });
    return this.resultOf(replaced, warnings).finally(() => draft?.discard());
  }

  /** Goes by the files again. As `set`. */
  reset(ifMatch: string, by: string | null): Promise<ChangeResult> {
    const { reloader, storePath } = this.options;
    if (storePath === null) throw new Refusal(409, NOT_HERE);
    this.match(ifMatch);
    const replaced = reloader.replace({
      what: 'configuration',
      title: `configuration of the files${byText(by)}`,
      read: (print) => {
        this.match(ifMatch);
        return this.read('files', print);
      },
      commit: () => {
        this.settle();
        this.store('that the configuration is that of the files', () => removeStored(storePath));
      },
    });
    return this.resultOf(replaced, []);
  }

  /** What is in force stays. Rejects with a Refusal. */
  confirm(by: string | null): Promise<void> {
    const { reloader, current, log } = this.options;
    return reloader.inTurn(async () => {
      if (this.pending === null) throw nothingPending();
      this.write(current());
      this.unwritten = null;
      this.settle();
      log.info(`configuration confirmed${byText(by)}`);
    });
  }

  /** What was before is in force again. As `set`. */
  rollBack(by: string | null): Promise<readonly string[]> {
    if (this.pending === null) throw nothingPending();
    return this.restore(this.pending, `roll-back of the configuration${byText(by)}`);
  }

  /** What a restart will forget, and why. Null: it will know what is in force. */
  get unstored(): string | null {
    return this.unwritten?.text ?? null;
  }

  /** To be called now and then: a disk that cannot be written need not stay so. */
  storeAgain(): void {
    if (this.unwritten === null) return;
    try {
      this.unwritten.write();
    } catch {
      return;
    }
    this.unwritten = null;
    this.options.log.info(`the configuration: ${this.options.storePath!} could be written: a restart forgets nothing`);
  }

  /** What is not confirmed is not there after a restart. */
  close(): void {
    clearTimeout(this.pending?.timer);
  }

  // --- inside ---

  private match(ifMatch: string): void {
    const tags = new Set(ifMatch.split(',').map((tag) => tag.trim()));
    if (tags.has('*') || tags.has(this.etag)) return;
    const reason = 'the configuration is another one by now than the one that was read: read it again, and change that';
    throw new Refusal(STATUS_CHANGED, reason);
  }

  private async read(source: 'files' | ChangeRequest, print: Print): Promise<Loaded | null> {
    const { printed, loaded, refusal } = await this.options.load(source);
    if (refusal !== undefined) throw new Refusal(STATUS_OF[refusal], printed.join('').trim());
    for (const line of printed) print(line);
    return loaded;
  }

  private draft({ config, origin, setByApi }: Loaded): Draft {
    const path = this.options.storePath!;
    try {
      return draftStored(path, { ...setByApi!, origin, config: JSON.parse(config) as unknown });
    } catch (error) {
      throw this.unstorable(error);
    }
  }

  /** Throws NotNowError, with nothing left of it. */
  private write(loaded: Loaded): void {
    const draft = this.draft(loaded);
    try {
      draft.commit();
    } catch (error) {
      draft.discard();
      throw this.unstorable(error);
    }
  }

  private unstorable(error: unknown): NotNowError {
    return new NotNowError(`it cannot be stored in ${this.options.storePath!}: ${systemReason(error)}`);
  }

  /** It is in force already: what cannot be written is told, and tried again. `what` a restart would forget then. */
  private store(what: string, write: () => void, again = write): void {
    this.unwritten = null;
    try {
      write();
    } catch (error) {
      const { storePath, log } = this.options;
      this.unwritten = { write: again, text: `${what}: ${storePath!} cannot be written: ${systemReason(error)}` };
      log.error(`a restart will forget ${this.unwritten.text}`);
    }
  }

  private async resultOf(replaced: Promise<readonly string[]>, warnings: readonly string[]): Promise<ChangeResult> {
    const changes = await replaced;
    const { unstored } = this;
    return { changes, warnings: unstored === null ? warnings : [...warnings, `a restart will forget ${unstored}`] };
  }

  private await(former: Loaded, confirmS: number): void {
    const pending: Pending = {
      former,
      untilMs: performance.now() + confirmS * 1_000,
      timer: setTimeout(() => this.expire(pending, confirmS), confirmS * 1_000).unref(),
    };
    this.pending = pending;
    this.options.log.warn(`the configuration is rolled back in ${confirmS} s, unless it is confirmed`);
  }

  private expire(pending: Pending, confirmS: number): void {
    this.restore(pending, `roll-back of the configuration, which nobody has confirmed within ${confirmS} s`).catch(
      () => {
        if (this.pending === pending) setTimeout(() => this.expire(pending, confirmS), AGAIN_MS).unref();
      },
    );
  }

  private restore(pending: Pending, title: string): Promise<readonly string[]> {
    const { reloader, onRolledBack } = this.options;
    const restored = reloader.replace({
      what: 'configuration',
      title,
      read: async () => {
        if (this.pending !== pending) throw nothingPending();
        return pending.former;
      },
      commit: () => void this.settle(),
    });
    void restored.then(onRolledBack, () => undefined);
    return restored;
  }

  /** Nothing waits any more. */
  private settle(): Pending | null {
    const { pending } = this;
    clearTimeout(pending?.timer);
    this.pending = null;
    return pending;
  }
}

function byText(by: string | null): string {
  return by === null ? ' over the control socket' : ` by ${by}`;
}

function nothingPending(): Refusal {
  return new Refusal(409, 'no configuration waits to be confirmed: it was confirmed, or rolled back');
}

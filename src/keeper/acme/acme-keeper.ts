/**
 * Gets certificates from authorities, and renews them. When is decided by a machine for each (core/acme/schedule.ts). Of each authority one thing
 * is asked at a time. What fails is in the log and in `status`, and disturbs nothing that serves.
 */
import type { AcmeView } from '../../api/certificates.ts';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { systemReason } from '../../base/system-error.ts';
import type { AcmePlan } from '../../config/plan/acme.ts';
import { type AcmeFailure, parseRetryAfter } from '../../core/acme/failure.ts';
import { type AcmeAction, type AcmeMemory, Schedule } from '../../core/acme/schedule.ts';
import { identityOf } from '../../wire/x509/certificates.ts';
import type { Log } from '../log/log.ts';
import { isTime, StateFile } from '../state-file.ts';
import { AcmeClient, AcmeError, parseBody } from './acme-client.ts';
import { accountKeyFor, parseHeld, readHeld, readHeldText, writeHeld } from './acme-files.ts';
import { Challenges, type ChallengesOptions } from './challenges.ts';
import { coversName, obtain } from './order.ts';

/** A certificate that an authority is to be asked for. */
export interface WantedCertificate {
  /** Where it is kept, with its key: what it is known by. */
  readonly file: string;
  readonly plan: AcmePlan;
}

export interface AcmeRecord extends AcmeMemory {
  readonly file: string;
}

export interface AcmeKeeperOptions extends ChallengesOptions {
  /** For the keys of accounts. */
  readonly folder: string;
  readonly memories: Pick<StateFile<AcmeRecord>, 'read' | 'write'>;
  readonly version: string;
  /** Unix time from which on this node may order; infinite: another one does. */
  readonly mayOrderAtMs: () => number;
  /** Which one. Null: this one. */
  readonly obtainer: () => string | null;
  /** A certificate is there; `isOwn`: this node has ordered it. `file`: its name in the folder. */
  readonly onObtained: (file: string, isOwn: boolean) => void;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** A timer takes no longer time; and a clock may be set meanwhile. */
const LOOK_MS_MAX = 3_600_000;

interface Entry {
  readonly wanted: WantedCertificate;
  readonly schedule: Schedule;
  readonly abort: AbortController;
  /** As ARI knows it. Null: it is not held, or has no name there. */
  identity: string | null;
}

export class AcmeKeeper {
  private readonly options: AcmeKeeperOptions;
  private readonly challenges: Challenges;
  private entries = new Map<string, Entry>();
  private readonly busy = new Set<string>();
  /** Null: none has been asked for yet. */
  private remembered: ReadonlyMap<string, AcmeMemory> | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: AcmeKeeperOptions) {
    this.options = options;
    this.challenges = new Challenges(options);
  }

  /** From now on these, and no others. What both know goes on, and what failed is tried again soon. */
  apply(wanted: readonly WantedCertificate[]): void {
    if (this.isStopped) return;
    if (wanted.length > 0) this.remembered ??= new Map(this.options.memories.read().map((one) => [one.file, one]));
    const nowMs = Date.now();
    const former = this.entries;
    this.entries = new Map();
    for (const one of wanted) {
      const known = former.get(one.file);
      if (known !== undefined && isSame(known.wanted.plan, one.plan)) {
        former.delete(one.file);
        known.schedule.handleReload(nowMs);
        this.entries.set(one.file, known);
      } else this.entries.set(one.file, this.createEntry(one, nowMs));
    }
    for (const { abort } of former.values()) abort.abort();
    this.look();
  }

  /** What is under way ends, and is begun anew by whoever comes next. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    clearTimeout(this.timer);
    const nowMs = Date.now();
    for (const { abort, schedule } of this.entries.values()) {
      schedule.handleAbandoned(nowMs);
      abort.abort();
    }
    if (this.entries.size > 0) this.remember();
  }

  /** Who may order has changed. */
  reconsider(): void {
    this.look();
  }

  /** With their keys, by the names of their files. */
  heldFiles(): readonly { readonly file: string; readonly pem: string }[] {
    return [...this.entries.values()].flatMap(({ wanted }) => {
      const pem = readHeldText(wanted.file);
      return pem === null ? [] : [{ file: basename(wanted.file), pem }];
    });
  }

  /** What a peer has, where this node wants it too and has none that lasts longer. */
  takeOver(file: string, pem: string, peer: string): void {
    const { log, onObtained } = this.options;
    const entry = [...this.entries.values()].find(({ wanted }) => basename(wanted.file) === file);
    if (entry === undefined || this.isStopped) return;
    const { wanted, schedule } = entry;
    const [name] = wanted.plan.names;
    try {
      const given = parseHeld(pem);
      const isForThese = wanted.plan.names.every((one) => coversName(given.leaf, one));
      const own = readHeld(wanted.file);
      const isOwnRight = own !== null && wanted.plan.names.every((one) => coversName(own.leaf, one));
      if (!isForThese || given.notAfterMs < Date.now() || (isOwnRight && own.notAfterMs >= given.notAfterMs)) return;
      writeHeld(wanted.file, given);
      entry.identity = ariName(given.leaf.raw);
      schedule.handleOrdered(given, Date.now());
      log.info(`certificate of ${name}: from peer ${peer}, valid until ${new Date(given.notAfterMs).toISOString()}`);
      onObtained(file, false);
    } catch (error) {
      log.warn(`certificate of ${name}: the one of peer ${peer} is not used: ${systemReason(error)}`);
    }
    this.remember();
    this.look();
  }

  views(): readonly AcmeView[] {
    const nowMs = Date.now();
    const obtainer = this.options.obtainer();
    return [...this.entries.values()].map(({ wanted: { file, plan }, schedule }) => {
      const { state, sinceMs, nextMs, failures, failure } = schedule.state(nowMs);
      return {
        names: plan.names,
        directory: plan.directory,
        obtainer,
        file,
        state,
        since: new Date(sinceMs).toISOString(),
        next: nextMs === null ? null : new Date(Math.max(nextMs, nowMs)).toISOString(),
        failures,
        failure: failure === null ? null : { text: failure.text, at: new Date(failure.atMs).toISOString() },
      };
    });
  }

  // --- inside ---

  private createEntry(wanted: WantedCertificate, nowMs: number): Entry {
    const memory = this.remembered?.get(wanted.file) ?? null;
    const schedule = new Schedule(nowMs, this.options.random(), memory);
    const entry: Entry = { wanted, schedule, abort: new AbortController(), identity: null };
    const held = readHeld(wanted.file);
    const isForThese = held !== null && wanted.plan.names.every((name) => coversName(held.leaf, name));
    if (isForThese) {
      entry.identity = ariName(held.leaf.raw);
      schedule.handleHeld(held, nowMs);
    }
    return entry;
  }

  /** Begins what is due, and comes back when something will be. */
  private look(): void {
    clearTimeout(this.timer);
    if (this.isStopped) return;
    const nowMs = Date.now();
    let untilMs = nowMs + LOOK_MS_MAX;
    for (const entry of this.entries.values()) {
      const { directory } = entry.wanted.plan;
      if (this.busy.has(directory)) continue;
      const action = this.nextOf(entry, nowMs);
      if (action.kind === 'wait') untilMs = Math.min(untilMs, action.untilMs);
      else {
        this.busy.add(directory);
        const done = action.kind === 'order' ? this.order(entry) : this.ask(entry);
        void done.finally(() => {
          this.busy.delete(directory);
          this.look();
        });
      }
    }
    if (this.entries.size > 0) this.timer = setTimeout(() => this.look(), untilMs - nowMs).unref();
  }

  /** What is due, as far as it is this node's. */
  private nextOf({ schedule }: Entry, nowMs: number): AcmeAction {
    const action = schedule.next(nowMs);
    const mayMs = action.kind === 'order' ? this.options.mayOrderAtMs() : 0;
    return mayMs > nowMs ? { kind: 'wait', untilMs: mayMs } : action;
  }

  private async order(entry: Entry): Promise<void> {
    const { log, onObtained } = this.options;
    const { wanted, schedule, abort } = entry;
    const { file, plan } = wanted;
    const [name] = plan.names;
    const host = hostOf(plan.directory);
    schedule.handleOrderBegun(Date.now());
    this.remember();
    log.info(`certificate of ${name}: ordered from ${host}, to be proven by ${plan.challenge}`);
    try {
      const obtained = await obtain({
        client: this.clientFor(plan, abort.signal),
        names: plan.names,
        challenge: plan.challenge,
        replaces: entry.identity,
        present: (proofs) => this.challenges.present(plan, proofs, abort.signal),
        withdraw: (proofs) => this.challenges.withdraw(plan, proofs),
        signal: abort.signal,
      });
      writeHeld(file, obtained);
      const held = readHeld(file)!;
      entry.identity = ariName(held.leaf.raw);
      schedule.handleOrdered(held, Date.now());
      log.info(`certificate of ${name}: obtained from ${host}, valid until ${new Date(held.notAfterMs).toISOString()}`);
      onObtained(basename(file), true);
    } catch (error) {
      if (!abort.signal.aborted) this.handleFailed(entry, failureOf(error));
    }
    // A successor writes the file from then on.
    if (!this.isStopped) this.remember();
  }

  private handleFailed({ wanted: { plan }, schedule }: Entry, failure: AcmeFailure): void {
    const nowMs = Date.now();
    schedule.handleFailed(failure, nowMs);
    const { nextMs, failures } = schedule.state(nowMs);
    const next = new Date(nextMs ?? nowMs).toISOString();
    this.options.log.warn(
      `certificate of ${plan.names[0]}: not obtained from ${hostOf(plan.directory)}: ${failure.text}; ` +
        `tried ${failures === 1 ? 'once' : `${failures} times`}, next at ${next}`,
    );
  }

  /** RFC 9773 section 4. */
  private async ask({ wanted: { plan }, schedule, abort, identity }: Entry): Promise<void> {
    try {
      const client = this.clientFor(plan, abort.signal);
      const { renewalInfo } = await client.directory();
      if (renewalInfo === null || identity === null) return schedule.handleRenewalInfo(null, null, Date.now());
      const answer = await client.get(`${renewalInfo.replace(/\/$/, '')}/${identity}`);
      const suggested = parseBody(answer)['suggestedWindow'] as Readonly<Record<string, unknown>> | undefined;
      const startMs = Date.parse(String(suggested?.['start']));
      const endMs = Date.parse(String(suggested?.['end']));
      const window = Number.isNaN(startMs) || Number.isNaN(endMs) ? null : { startMs, endMs };
      const retryAfterMs = parseRetryAfter(answer.headers['retry-after'] ?? null, Date.now());
      schedule.handleRenewalInfo(window, retryAfterMs, Date.now());
    } catch {
      // What it has suggested before counts, or the lifetime of the certificate.
      schedule.handleRenewalInfo(null, null, Date.now());
    }
  }

  /** Files are read each time: what was wrong with them may have been set right. Throws. */
  private clientFor({ directory, ca, email, binding }: AcmePlan, signal: AbortSignal): AcmeClient {
    const { folder, version } = this.options;
    return new AcmeClient({
      directory,
      ca: ca === null ? null : readFileSync(ca, 'latin1'),
      key: () => accountKeyFor(folder, directory),
      email,
      binding:
        binding === null
          ? null
          : { keyId: binding.keyId, key: Buffer.from(readFileSync(binding.keyFile, 'latin1').trim(), 'base64url') },
      userAgent: `evenkeel/${version}`,
      signal,
    });
  }

  private remember(): void {
    const nowMs = Date.now();
    const records: AcmeRecord[] = [];
    for (const { wanted, schedule } of this.entries.values()) {
      const memory = schedule.toRemember(nowMs);
      if (memory !== null) records.push({ file: wanted.file, ...memory });
    }
    this.options.memories.write(records);
  }
}

export function acmeMemories(directory: string, node: string, log: Log): StateFile<AcmeRecord> {
  return new StateFile({
    directory,
    name: 'acme',
    node,
    what: 'orders of certificates that have failed',
    isRecord,
    keyOf: ({ file }) => file,
    log,
  });
}

function isRecord(value: unknown): value is AcmeRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { file, failures, retryAtMs, failedAtMs, text, isLimited } = value as Record<string, unknown>;
  const isWhole = typeof file === 'string' && typeof text === 'string' && typeof isLimited === 'boolean';
  return isWhole && typeof failures === 'number' && isTime(retryAtMs) && isTime(failedAtMs);
}

function isSame(a: AcmePlan, b: AcmePlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** RFC 9773 section 4.1. Null: nobody says who has issued it. */
function ariName(certificate: Uint8Array): string | null {
  const identity = identityOf(certificate);
  if (identity === null) return null;
  const [key, serial] = [identity.authorityKey, identity.serial].map((bytes) =>
    Buffer.from(bytes).toString('base64url'),
  );
  return `${key}.${serial}`;
}

function failureOf(error: unknown): AcmeFailure {
  if (error instanceof AcmeError) return error.failure;
  const { path } = error as NodeJS.ErrnoException;
  const where = path === undefined ? '' : `${path}: `;
  return { kind: 'trouble', text: `${where}${systemReason(error)}`, type: '', retryAfterMs: null };
}

function hostOf(url: string): string {
  return new URL(url).host;
}

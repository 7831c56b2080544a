/** One BIRD beside evenkeel: asked every now and then whom it tells which routes. It is evidence alone: nothing is announced or withdrawn for it. */
import { type BirdFacts, isEstablished } from '../../wire/bird/questions.ts';
import type { Log } from '../log/log.ts';
import { askBirdFacts } from './bird-socket.ts';

const INTERVAL_MS = 2_000;

export interface BirdAccount {
  readonly path: string;
  /** Why it does not answer; null: it does, or has not been asked yet. */
  readonly problem: string | null;
  /** Of the last answer. Null: there was none. */
  readonly facts: (BirdFacts & { readonly version: string }) | null;
  readonly answeredMs: number | null;
}

export class BirdWatch {
  readonly path: string;
  /** Whose routes it is asked for. */
  interfaces: readonly string[];
  private readonly log: Log;
  private readonly now: () => number;
  private readonly ask: typeof askBirdFacts;
  /** By the last question. */
  account: BirdAccount;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private hasAnswered: boolean | null = null;
  /** By its name, whether each session was established. */
  private sessions = new Map<string, boolean>();

  constructor(
    path: string,
    interfaces: readonly string[],
    {
      log,
      now,
      ask = askBirdFacts,
    }: { readonly log: Log; readonly now: () => number; readonly ask?: typeof askBirdFacts },
  ) {
    this.path = path;
    this.interfaces = interfaces;
    this.log = log;
    this.now = now;
    this.ask = ask;
    this.account = { path, problem: null, facts: null, answeredMs: null };
    void this.look();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const facts = await this.ask(this.path, this.interfaces);
    if (this.isStopped) return;
    if (typeof facts === 'string') this.handleFailure(facts);
    else this.handleFacts(facts);
    this.timer = setTimeout(() => void this.look(), INTERVAL_MS).unref();
  }

  private handleFailure(problem: string): void {
    const { log, path } = this;
    this.account = { ...this.account, problem };
    if (this.hasAnswered !== false) {
      log.warn(`BIRD at ${path} does not answer: ${problem}; whom routes are announced to is not known`);
    }
    this.hasAnswered = false;
  }

  private handleFacts(facts: NonNullable<BirdAccount['facts']>): void {
    const { log, path } = this;
    this.account = { path, problem: null, facts, answeredMs: this.now() };
    if (this.hasAnswered !== true) log.info(`BIRD ${facts.version} at ${path} answers`);
    this.hasAnswered = true;
    const before = this.sessions;
    this.sessions = new Map(facts.sessions.map((session) => [session.name, isEstablished(session)]));
    for (const session of facts.sessions) {
      const is = isEstablished(session);
      if (before.get(session.name) === is) continue;
      const who = `BGP session ${session.name} with ${session.neighbor}`;
      if (is) log.info(`${who} is established`);
      else log.warn(`${who} is not established: ${session.info === '' ? 'down' : session.info.replace(/\s+/g, ' ')}`);
    }
  }
}

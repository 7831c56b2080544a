/**
 * Asks for the names of servers again and again. The answer comes from the system's resolver (getaddrinfo: hosts file,
 * search domains, mDNS: what every other program on this machine gets); when to ask again comes from the time to live of a
 * DNS query of our own, because getaddrinfo does not tell it. Whatever fails here leaves the last answer in force.
 */
import dns from 'node:dns';
import { systemReason } from '../../base/system-error.ts';
import type { ServiceRecord } from '../../core/health/addresses.ts';
import { refreshDelayMs } from '../../core/health/refresh.ts';
import type { Log } from '../log/log.ts';

export interface NamedAddress {
  readonly family: 4 | 6;
  readonly host: string;
  /** Of a service: what the SRV record says, and the name of the machine in it. */
  readonly port?: number;
  readonly record?: ServiceRecord;
  readonly machine?: string;
}

export interface NameAnswer {
  readonly addresses: readonly NamedAddress[];
  /** Null: not known. */
  readonly ttlMs: number | null;
}

export interface NameFailure {
  readonly reason: string;
  /** Of the first in a row, by `performance.now()`. */
  readonly sinceMs: number;
}

/** An answer from before. */
export interface NameMemory extends NameAnswer {
  readonly hostname: string;
}

/** Rejects if there is no answer; the error's code or message says why. `last`: the answer before. */
export type AskName = (hostname: string, last: NameAnswer | null) => Promise<NameAnswer>;

/**
 * getaddrinfo blocks one of the four threads that Node has for such things, for many seconds if a DNS server does not
 * answer. One thread stays free for the rest.
 */
const QUESTIONS_MAX = 3;

/** A name that is asked for. */
interface Question {
  readonly hostname: string;
  timer: NodeJS.Timeout | undefined;
  /** How often in a row there was no answer. */
  failures: number;
  /** Null: there is an answer, or none is due yet. */
  failure: NameFailure | null;
  answer: NameAnswer | null;
}

export class Names {
  private readonly ask: AskName;
  private readonly log: Log;
  private readonly onAnswer: (hostname: string, answer: NameAnswer) => void;
  private readonly known: ReadonlyMap<string, NameMemory>;
  private questions = new Map<string, Question>();
  private readonly turns: (() => void)[] = [];
  private asking = 0;

  /** `known`: the last answers that a predecessor got. */
  constructor(
    ask: AskName,
    log: Log,
    onAnswer: (hostname: string, answer: NameAnswer) => void,
    known: readonly NameMemory[] = [],
  ) {
    this.known = new Map(known.map((answer) => [answer.hostname, answer]));
    this.ask = ask;
    this.log = log;
    this.onAnswer = onAnswer;
  }

  /** From now on asks for these names and no others. Resolves when each new one was answered once, or not. */
  async apply(hostnames: readonly string[]): Promise<void> {
    const former = this.questions;
    const added: Question[] = [];
    this.questions = new Map();
    for (const hostname of new Set(hostnames)) {
      const known = former.get(hostname);
      former.delete(hostname);
      const answer = this.known.get(hostname) ?? null;
      const question = known ?? { hostname, timer: undefined, failures: 0, failure: null, answer };
      if (known === undefined) added.push(question);
      this.questions.set(hostname, question);
    }
    for (const { timer } of former.values()) clearTimeout(timer);
    await Promise.all(added.map((question) => this.refresh(question)));
  }

  /** The last answers, for a successor. */
  memories(): readonly NameMemory[] {
    return Array.from(this.questions.values()).flatMap(({ hostname, answer }) =>
      answer === null ? [] : [{ ...answer, hostname }],
    );
  }

  stop(): void {
    void this.apply([]);
  }

  /** Why there is no answer now; null: there is one, or none is due yet. */
  failureOf(hostname: string): NameFailure | null {
    return this.questions.get(hostname)?.failure ?? null;
  }

  /** The last answer, for a server that is new under a name that is known; null: there was none. */
  answerOf(hostname: string): NameAnswer | null {
    return this.questions.get(hostname)?.answer ?? null;
  }

  private async refresh(question: Question): Promise<void> {
    const { hostname } = question;
    await this.takeTurn();
    let delayMs: number;
    try {
      const answer = await this.ask(hostname, question.answer);
      if (answer.addresses.length === 0) throw new Error('the answer has no address');
      if (this.isOver(question)) return;
      delayMs = refreshDelayMs(answer.ttlMs, 0);
      if (question.failures > 0) this.log.info(`name ${hostname} resolves`);
      question.failures = 0;
      question.failure = null;
      question.answer = answer;
      this.onAnswer(hostname, answer);
    } catch (error) {
      if (this.isOver(question)) return;
      const reason = systemReason(error);
      question.failures++;
      if (question.failures === 1) this.log.warn(`name ${hostname} does not resolve: ${reason}`);
      question.failure = { reason, sinceMs: question.failure?.sinceMs ?? performance.now() };
      // no longer than from one answer to the next
      delayMs = Math.min(refreshDelayMs(null, question.failures), refreshDelayMs(question.answer?.ttlMs ?? null, 0));
    } finally {
      this.giveTurn();
    }
    question.timer = setTimeout(() => void this.refresh(question), delayMs);
  }

  /** Nobody wants to know any more. */
  private isOver(question: Question): boolean {
    return this.questions.get(question.hostname) !== question;
  }

  private async takeTurn(): Promise<void> {
    if (this.asking < QUESTIONS_MAX) {
      this.asking++;
      return;
    }
    await new Promise<void>((resolve) => this.turns.push(resolve));
  }

  private giveTurn(): void {
    const next = this.turns.shift();
    if (next === undefined) this.asking--;
    else next();
  }
}

/** More of one name are not kept: whoever answers may say thousands. */
const ADDRESSES_MAX = 256;

/** `ttls`: in seconds; of records behind the 256th Node says none. */
export function nameAnswer(addresses: NameAnswer['addresses'], ttls: readonly (number | undefined)[]): NameAnswer {
  const known = ttls.filter((ttl): ttl is number => Number.isFinite(ttl));
  return {
    addresses: addresses.slice(0, ADDRESSES_MAX),
    ttlMs: known.length === 0 ? null : known.reduce((least, ttl) => Math.min(least, ttl)) * 1000,
  };
}

const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 1 });

/** The system's answer. Families that this machine has no address of are left out (AI_ADDRCONFIG). */
export const askSystem = async (hostname: string): Promise<NameAnswer> => {
  const [found, ttl4, ttl6] = await Promise.all([
    dns.promises.lookup(hostname, { all: true, hints: dns.ADDRCONFIG }),
    resolver.resolve4(hostname, { ttl: true }).catch(() => []),
    resolver.resolve6(hostname, { ttl: true }).catch(() => []),
  ]);
  return nameAnswer(
    found.map(({ address, family }) => ({ host: address, family: family === 6 ? 6 : 4 })),
    [...ttl4, ...ttl6].map(({ ttl }) => ttl),
  );
};

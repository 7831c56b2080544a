/**
 * Asks for the names of servers again and again. The answer comes from the system's resolver (getaddrinfo: hosts file,
 * search domains, mDNS: what every other program on this machine gets); when to ask again comes from the time to live of a
 * DNS query of our own, because getaddrinfo does not tell it. Whatever fails here leaves the last answer in force.
 */
import dns from 'node:dns';
import { systemReason } from '../base/system-error.ts';
import { refreshDelayMs } from '../core/health/refresh.ts';
import type { Log } from './log.ts';

export interface NameAnswer {
  /** Without port. */
  readonly addresses: readonly { readonly family: 4 | 6; readonly host: string }[];
  /** Null: not known. */
  readonly ttlMs: number | null;
}

export interface NameFailure {
  readonly reason: string;
  /** Of the first in a row, by `performance.now()`. */
  readonly sinceMs: number;
}

/** Rejects if there is no answer; the error's code or message says why. */
export type AskName = (hostname: string) => Promise<NameAnswer>;

/**
 * getaddrinfo blocks one of the four threads that Node has for such things, for many seconds if a DNS server does not
 * answer. One thread stays free for the rest.
 */
const QUESTIONS_MAX = 3;

export class Names {
  private readonly ask: AskName;
  private readonly log: Log;
  private readonly onAnswer: (hostname: string, answer: NameAnswer) => void;
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly failures = new Map<string, number>();
  private readonly lastFailures = new Map<string, NameFailure>();
  private readonly turns: (() => void)[] = [];
  private asking = 0;
  private isStopped = false;

  constructor(ask: AskName, log: Log, onAnswer: (hostname: string, answer: NameAnswer) => void) {
    this.ask = ask;
    this.log = log;
    this.onAnswer = onAnswer;
  }

  /** Begins to ask for these names. Resolves when each was answered once, or not. */
  async start(hostnames: readonly string[]): Promise<void> {
    for (const hostname of hostnames) this.failures.set(hostname, 0);
    await Promise.all([...this.failures.keys()].map((hostname) => this.refresh(hostname)));
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  /** Why there is no answer now; null: there is one, or none is due yet. */
  failureOf(hostname: string): NameFailure | null {
    return this.lastFailures.get(hostname) ?? null;
  }

  private async refresh(hostname: string): Promise<void> {
    await this.takeTurn();
    let delayMs: number;
    try {
      const answer = await this.ask(hostname);
      if (answer.addresses.length === 0) throw new Error('the answer has no address');
      if (this.isStopped) return;
      delayMs = refreshDelayMs(answer.ttlMs, 0);
      if (this.failures.get(hostname)! > 0) this.log.info(`name ${hostname} resolves`);
      this.failures.set(hostname, 0);
      this.lastFailures.delete(hostname);
      this.onAnswer(hostname, answer);
    } catch (error) {
      if (this.isStopped) return;
      const failures = this.failures.get(hostname)! + 1;
      const reason = systemReason(error);
      if (failures === 1) this.log.warn(`name ${hostname} does not resolve: ${reason}`);
      const sinceMs = this.lastFailures.get(hostname)?.sinceMs ?? performance.now();
      this.lastFailures.set(hostname, { reason, sinceMs });
      this.failures.set(hostname, failures);
      delayMs = refreshDelayMs(null, failures);
    } finally {
      this.giveTurn();
    }
    this.timers.set(
      hostname,
      setTimeout(() => void this.refresh(hostname), delayMs),
    );
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

const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 1 });

/** The system's answer. Families that this machine has no address of are left out (AI_ADDRCONFIG). */
export const askSystem: AskName = async (hostname) => {
  const [found, ttl4, ttl6] = await Promise.all([
    dns.promises.lookup(hostname, { all: true, hints: dns.ADDRCONFIG }),
    resolver.resolve4(hostname, { ttl: true }).catch(() => []),
    resolver.resolve6(hostname, { ttl: true }).catch(() => []),
  ]);
  const ttls = [...ttl4, ...ttl6].map((record) => record.ttl * 1000);
  return {
    addresses: found.map(({ address, family }) => ({ host: address, family: family === 6 ? 6 : 4 })),
    ttlMs: ttls.length === 0 ? null : Math.min(...ttls),
  };
};

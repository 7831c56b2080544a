/**
 * Names that requests are for (`server-by`), asked for when a proxy wants to know one. Proxies that want the same are told the same:
 * an answer is kept as long as it counts, of a bounded number of names. What has failed is asked for anew by who asks next.
 */
import dns from 'node:dns';
import { ADDRESSES_PER_NAME_MAX } from '../../base/limits.ts';
import type { ResolverPlan } from '../../config/plan/upstream.ts';
import { refreshDelayMs } from '../../core/health/refresh.ts';
import { Turns } from './turns.ts';
import { askSystem, nameAnswer, type NameAnswer } from './names.ts';

/** Asks for a name. Rejects if there is no answer. */
export type Ask = (hostname: string, resolver: ResolverPlan) => Promise<NameAnswer>;

const ANSWERS_MAX = 4096;
/** On their way at the same time, of all upstreams and of one; others wait. How many wait is bounded by the proxies, which ask. */
const QUESTIONS_MAX = 256;
const QUESTIONS_SHARE = 32;
/** One behind the other, where a name server says no more than that a name is another's. */
const ALIASES_MAX = 8;
/**
 * The system's resolver blocks a thread for each, until it has given up, and libuv has two threads for that: one stays free for the
 * names of servers, which are never behind these.
 */
const SYSTEM_QUESTIONS_MAX = 1;

const NO_TURN = (): void => undefined;

interface Known {
  readonly answer: Promise<NameAnswer>;
  /** By `now`; Infinity: it is on its way. */
  until: number;
}

export class Lookups {
  private readonly ask: Ask;
  private readonly now: () => number;
  private readonly known = new Map<string, Known>();
  private readonly turns = new Turns(QUESTIONS_MAX, QUESTIONS_SHARE);
  private readonly systemTurns = new Turns(SYSTEM_QUESTIONS_MAX, SYSTEM_QUESTIONS_MAX);

  /** `now`: milliseconds of a monotonic clock. */
  constructor(now: () => number, ask: Ask = askName) {
    this.now = now;
    this.ask = ask;
  }

  /** `asker`: whose share of questions it is of. `ttlMs`: as long as the answer counts from now on. Rejects if there is none in time; the error says why. */
  async find(asker: string, hostname: string, resolver: ResolverPlan): Promise<NameAnswer> {
    const key = JSON.stringify([hostname, resolver]);
    const known = this.known.get(key);
    if (known !== undefined && known.until > this.now()) return await this.withRest(known);
    const entry: Known = { answer: this.inTime(asker, hostname, resolver), until: Infinity };
    this.known.delete(key);
    this.known.set(key, entry);
    this.forgetSome();
    try {
      const { ttlMs } = await entry.answer;
      entry.until = this.now() + (resolver.validMs ?? refreshDelayMs(ttlMs, 0));
      return await this.withRest(entry);
    } catch (error) {
      if (this.known.get(key) === entry) this.known.delete(key);
      throw error;
    }
  }

  /** It counts for whoever asks later only as long as for who has asked first. */
  private async withRest(known: Known): Promise<NameAnswer> {
    const { addresses } = await known.answer;
    // who waits with the one who has asked may hear of it first
    const restMs = known.until === Infinity ? 1000 : Math.ceil(known.until - this.now());
    return { addresses, ttlMs: Math.max(1, restMs) };
  }

  private async inTime(asker: string, hostname: string, resolver: ResolverPlan): Promise<NameAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), resolver.timeoutMs);
    });
    const isSystem = resolver.servers.length === 0;
    let asking = null as Promise<NameAnswer> | null;
    let endTurn = NO_TURN;
    const asked = new Promise<NameAnswer>((resolve, reject) => {
      endTurn = (isSystem ? this.systemTurns : this.turns).take(asker, () => {
        asking = this.ask(hostname, resolver);
        asking.then(resolve, reject);
      });
    });
    try {
      const { addresses, ttlMs } = await Promise.race([asked, late]);
      if (addresses.length === 0) throw new Error('the answer has no address');
      return { addresses: addresses.slice(0, ADDRESSES_PER_NAME_MAX), ttlMs };
    } finally {
      clearTimeout(timer);
      // the thread is not free before
      if (isSystem && asking !== null) void Promise.allSettled([asking]).then(endTurn);
      else endTurn();
    }
  }

  private forgetSome(): void {
    for (const [key, { until }] of this.known) {
      if (this.known.size <= ANSWERS_MAX) return;
      if (until < Infinity) this.known.delete(key);
    }
  }
}

/** The answer of who is asked by this resolver. */
export const askName: Ask = async (hostname, resolver) => {
  if (resolver.servers.length > 0) return await askServers(hostname, resolver);
  const answer = await askSystem(hostname);
  return { ...answer, addresses: answer.addresses.filter(({ family }) => resolver.families.includes(family)) };
};

/** What these name servers say, each asked again where it does not answer. */
async function askServers(hostname: string, { servers, families, timeoutMs }: ResolverPlan): Promise<NameAnswer> {
  const resolver = new dns.promises.Resolver({ timeout: Math.ceil(Math.min(2000, timeoutMs / 3)), tries: 3 });
  resolver.setServers([...servers]);
  const asked = await Promise.allSettled(
    families.map(async (family) => {
      const found = await resolveThrough(resolver, hostname, family, ALIASES_MAX);
      return found.map(({ address, ttl }) => ({ family, host: address, ttl }));
    }),
  );
  const records = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const failed = asked.find((one) => one.status === 'rejected');
  if (records.length === 0 && failed !== undefined) throw failed.reason;
  return nameAnswer(
    records.map(({ family, host }) => ({ family, host })),
    records.map(({ ttl }) => ttl),
  );
}

async function resolveThrough(
  resolver: dns.promises.Resolver,
  hostname: string,
  family: 4 | 6,
  aliases: number,
): Promise<readonly dns.RecordWithTtl[]> {
  let found: readonly dns.RecordWithTtl[] = [];
  let failure: unknown = new Error('the answer has no address');
  try {
    found = await (family === 4
      ? resolver.resolve4(hostname, { ttl: true })
      : resolver.resolve6(hostname, { ttl: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENODATA') throw error;
    failure = error;
  }
  // an answer that has no more than an alias in it is empty
  if (found.length > 0) return found;
  const [alias] = aliases === 0 ? [] : await resolver.resolveCname(hostname).catch((): string[] => []);
  if (alias === undefined) throw failure;
  return await resolveThrough(resolver, alias, family, aliases - 1);
}

/**
 * The sessions of one UDP listener in one proxy: which datagrams belong together, how long, and who goes when there are too many.
 * Numbers alone: no sockets, no clock, no servers. A session is a number from 0 on, used again when it has ended; the driver
 * (proxy/udp) keeps what belongs to it in arrays of its own.
 *
 * A session is found by its client's address and port and by those that the client has asked, and by the proxy between them, if there
 * is one: answers go back to that. UDP has no end of a conversation, so it ends
 *
 *   after its answers       `responses` of them to each datagram of the client, where the listener says how many there are
 *   by silence              of `idleMs` in both directions
 *   to make room            when there are `sessionsMax`: see below
 *   or by the driver        its server refuses, or is down
 *
 *   state      event                     then
 *   NEW        an answer                 ANSWERED
 *   ANSWERED   a datagram of the client  PROVEN: whoever says that is where its address says, most likely
 *
 * Who sends with the addresses of others gets no answer, and so makes sessions that are never PROVEN: all of them together count as one
 * crowd. Who proves many from one address is a crowd too, if they are more than the address's share. When room is needed
 *
 *   by an address that has its share   it gives up one of its own
 *   by another one                     the largest crowd does: the longest silent of those not PROVEN, or the oldest of an address
 *
 *   if there is no crowd               the address that has the most, if that is more than this one would have then
 *
 * Of an address those go first that are not PROVEN. If no address has more than another would, a new client gets none.
 *
 * A session is unbound when its client has sent `requests` datagrams: the next one begins another session, and this one ends as
 * any other. A session that has stood in another process's table is begun here with `resume`.
 */
import { assert } from '../../base/assert.ts';
import type { Correspondents, Standing } from '../../base/correspondents.ts';
import { hashWords, mixHash } from '../../base/hash.ts';
import type { IpWords } from '../../wire/ip-text.ts';
import { SourceShares } from './source-shares.ts';

export interface SessionRules {
  readonly sessionsMax: number;
  readonly idleMs: number;
  /** Datagrams of the client in one session. 0: any number. */
  readonly requests: number;
  /** Answers to each of them. -1: any number, so that a session ends by silence. */
  readonly responses: number;
}

export const NO_SESSION = -1;

// A session's words.
const WORDS = 24;
const CLIENT = 0; // 4 words
const LOCAL = 4; // 4 words
const PORT = 8;
/** The next one with this hash; of a free place, the next free one. */
const CHAIN = 9;
// Its neighbours in its list.
const OLDER = 10;
const NEWER = 11;
const REQUESTS = 12;
const RESPONSES = 13;
const STATE = 14;
const BUCKET = 15;
/** 0: nobody is between. */
const PROXY_PORT = 16;
const PROXY = 17; // 4 words
const LOCAL_PORT = 21;

const FREE = 0;
const NEW = 1;
const ANSWERED = 2;
const PROVEN = 3;
const UNBOUND = -1;
const STANDINGS: readonly Standing[] = ['new', 'answered', 'proven'];

const FIRST_CAPACITY = 256;
/** An address has its share when it has this part of the places. */
const SHARE = 1 / 8;
/** Counting further would tell nothing more. */
const COUNT_MAX = 1 << 30;

export class SessionTable {
  private rules: SessionRules;
  /** Who can choose addresses cannot choose a chain. */
  private readonly seed: number;
  private capacity = FIRST_CAPACITY;
  private words = new Int32Array(FIRST_CAPACITY * WORDS);
  private lastAt = new Float64Array(FIRST_CAPACITY);
  /** First sessions by hash. */
  private buckets = new Int32Array(FIRST_CAPACITY).fill(NO_SESSION);
  private firstFree = NO_SESSION;
  /** Places that were never used begin here. */
  private used = 0;
  private count = 0;
  /** Of those that can be found, they do not say which address was asked. */
  private unaskedCount = 0;
  private readonly unproven = new SessionList();
  private readonly proven = new SessionList();
  private readonly sources: SourceShares;

  /** `seed`: any 32-bit integer that nobody can guess. */
  constructor(rules: SessionRules, seed: number) {
    this.rules = rules;
    this.seed = seed;
    this.sources = new SourceShares(FIRST_CAPACITY, seed);
  }

  get size(): number {
    return this.count;
  }

  /** Holds from now on for all of them. */
  configure(rules: SessionRules): void {
    this.rules = rules;
  }

  /** The session of these two, or NO_SESSION. */
  find(of: Correspondents): number {
    const { words } = this;
    let session = this.buckets[this.hash(of) & (this.capacity - 1)];
    while (session !== NO_SESSION) {
      const at = session * WORDS;
      if (
        words[at + CLIENT + 3] === of.ip3 &&
        words[at + PORT] === of.port &&
        words[at + CLIENT] === of.ip0 &&
        words[at + CLIENT + 1] === of.ip1 &&
        words[at + CLIENT + 2] === of.ip2 &&
        words[at + LOCAL + 3] === of.local3 &&
        words[at + LOCAL_PORT] === of.localPort &&
        words[at + LOCAL] === of.local0 &&
        words[at + LOCAL + 1] === of.local1 &&
        words[at + LOCAL + 2] === of.local2 &&
        words[at + PROXY_PORT] === of.proxyPort &&
        (of.proxyPort === 0 || this.isSameProxy(at, of))
      ) {
        return session;
      }
      session = words[at + CHAIN];
    }
    return NO_SESSION;
  }

  /**
   * A session of this client that has come from a process that did not know which address it asked: from now on it is the one that asks this
   * address. NO_SESSION: there is none.
   */
  claim(of: Correspondents): number {
    if (this.unaskedCount === 0 || isUnasked(of)) return NO_SESSION;
    const session = this.find({ ...of, local0: 0, local1: 0, local2: 0, local3: 0 });
    if (session === NO_SESSION) return NO_SESSION;
    this.unbind(session);
    this.writeLocal(session * WORDS, of);
    this.chain(session, this.hash(of));
    return session;
  }

  private writeLocal(at: number, of: Correspondents): void {
    const { words } = this;
    words[at + LOCAL] = of.local0;
    words[at + LOCAL + 1] = of.local1;
    words[at + LOCAL + 2] = of.local2;
    words[at + LOCAL + 3] = of.local3;
  }

  private isSameProxy(at: number, { proxy0, proxy1, proxy2, proxy3 }: Correspondents): boolean {
    const { words } = this;
    return (
      words[at + PROXY + 3] === proxy3 &&
      words[at + PROXY] === proxy0 &&
      words[at + PROXY + 1] === proxy1 &&
      words[at + PROXY + 2] === proxy2
    );
  }

  get isFull(): boolean {
    return this.count >= this.rules.sessionsMax;
  }

  /** This client's address has its share of `places`: for another session it gives up one of its own. */
  hasShare(of: Correspondents, places: number): boolean {
    const { sources } = this;
    return sources.countOf(sources.find(of)) > shareOf(places);
  }

  /** Sessions of the largest crowd. 0: there is none, and nobody has to end. */
  crowdSize(places: number): number {
    return this.isTopCrowded(places) ? this.sources.topCount : this.unproven.size;
  }

  /** Who has to end for this new client, or NO_SESSION: nobody has to, and the new one gets none. */
  victim(of: Correspondents, places = this.rules.sessionsMax): number {
    const { sources, unproven } = this;
    if (this.hasShare(of, places)) return sources.oldestOf(sources.find(of));
    if (this.isTopCrowded(places)) return sources.oldestOf(sources.top);
    if (unproven.size > 0) return unproven.oldest;
    return this.excess(of) > 0 ? sources.oldestOf(sources.top) : NO_SESSION;
  }

  /** How many sessions more than this client's address, with another one, the address has that has the most. */
  excess(of: Correspondents): number {
    const { sources } = this;
    return sources.topCount - sources.countOf(sources.find(of)) - 1;
  }

  private isTopCrowded(places: number): boolean {
    const { topCount } = this.sources;
    return topCount > shareOf(places) && topCount > this.unproven.size;
  }

  /** A session of these two, who have none that is bound. There has to be room. `noteRequest` follows. */
  begin(of: Correspondents, now: number): number {
    assert(!this.isFull, 'a session has room');
    let session = this.firstFree;
    if (session === NO_SESSION) {
      if (this.used === this.capacity) this.grow();
      session = this.used++;
    } else {
      this.firstFree = this.words[session * WORDS + CHAIN];
    }
    const { words } = this;
    const at = session * WORDS;
    words[at + CLIENT] = of.ip0;
    words[at + CLIENT + 1] = of.ip1;
    words[at + CLIENT + 2] = of.ip2;
    words[at + CLIENT + 3] = of.ip3;
    words[at + PORT] = of.port;
    this.writeLocal(at, of);
    words[at + LOCAL_PORT] = of.localPort;
    words[at + PROXY_PORT] = of.proxyPort;
    words[at + PROXY] = of.proxy0;
    words[at + PROXY + 1] = of.proxy1;
    words[at + PROXY + 2] = of.proxy2;
    words[at + PROXY + 3] = of.proxy3;
    words[at + REQUESTS] = 0;
    words[at + RESPONSES] = 0;
    words[at + STATE] = NEW;
    this.chain(session, this.hash(of));
    this.lastAt[session] = now;
    this.unproven.append(words, session);
    this.sources.enter(session, of);
    this.count++;
    return session;
  }

  /** The same of one that has stood in another process's table, where only silence ends it. */
  resume(of: Correspondents, standing: Standing, now: number): number {
    const session = this.begin(of, now);
    if (standing === 'new') return session;
    this.noteResponse(session, now);
    if (standing === 'proven') this.noteRequest(session, now);
    return session;
  }

  standing(session: number): Standing {
    return STANDINGS[this.words[session * WORDS + STATE] - NEW];
  }

  /** Silence alone ends it, whatever is said. */
  endsBySilence(session: number): boolean {
    const { requests, responses } = this.rules;
    return requests === 0 && responses <= 0 && this.words[session * WORDS + BUCKET] !== UNBOUND;
  }

  /** All were heard of now, as far as is known. */
  refreshAll(now: number): void {
    this.lastAt.fill(now, 0, this.used);
  }

  /** Its client sent a datagram, which is passed on. True: it was the last one, no answer is owed, and the session is to be ended. */
  noteRequest(session: number, now: number): boolean {
    const { words } = this;
    const at = session * WORDS;
    const requests = Math.min(words[at + REQUESTS] + 1, COUNT_MAX);
    words[at + REQUESTS] = requests;
    this.lastAt[session] = now;
    if (words[at + STATE] === ANSWERED) {
      this.unproven.remove(words, session);
      words[at + STATE] = PROVEN;
      this.proven.append(words, session);
      this.sources.prove(session);
    } else {
      this.listOf(at).refresh(words, session);
    }
    if (this.rules.requests === 0 || requests < this.rules.requests) return false;
    this.unbind(session);
    return this.rules.responses === 0;
  }

  /** An answer of its server came. True: it was the last one, and the session is to be ended. */
  noteResponse(session: number, now: number): boolean {
    const { words } = this;
    const at = session * WORDS;
    words[at + RESPONSES] = Math.min(words[at + RESPONSES] + 1, COUNT_MAX);
    if (words[at + STATE] === NEW) words[at + STATE] = ANSWERED;
    this.lastAt[session] = now;
    this.listOf(at).refresh(words, session);
    const { requests, responses } = this.rules;
    if (requests > 0 && words[at + REQUESTS] < requests) return false;
    return responses > 0 && words[at + RESPONSES] >= words[at + REQUESTS] * responses;
  }

  /** Its server owes answers: the listener says how many there are, and they were not as many. */
  lacksResponses(session: number): boolean {
    const at = session * WORDS;
    const { responses } = this.rules;
    return responses > 0 && this.words[at + RESPONSES] < this.words[at + REQUESTS] * responses;
  }

  /**
   * Its server has failed with it: it owes answers, and last answered anybody (at `answeredAt`) before the session was last heard of.
   * A server that answers others meanwhile is well: it has no answer to this question.
   */
  blamesServer(session: number, answeredAt: number): boolean {
    return this.lacksResponses(session) && answeredAt < this.lastAt[session];
  }

  /** The address that its client has asked. */
  readLocal(session: number, into: IpWords): void {
    this.readAddress(session * WORDS + LOCAL, into);
  }

  readClient(session: number, into: IpWords): void {
    this.readAddress(session * WORDS + CLIENT, into);
  }

  clientPort(session: number): number {
    return this.words[session * WORDS + PORT];
  }

  readProxy(session: number, into: IpWords): void {
    this.readAddress(session * WORDS + PROXY, into);
  }

  /** 0: nobody is between. */
  proxyPort(session: number): number {
    return this.words[session * WORDS + PROXY_PORT];
  }

  private readAddress(at: number, into: IpWords): void {
    const { words } = this;
    into.ip0 = words[at];
    into.ip1 = words[at + 1];
    into.ip2 = words[at + 2];
    into.ip3 = words[at + 3];
  }

  /** A session that has been silent for too long, or NO_SESSION. It is to be ended before the next one is asked for. */
  expired(now: number): number {
    return this.silentFor(this.rules.idleMs, now);
  }

  /** The same of another time. */
  silentFor(ms: number, now: number): number {
    const { unproven, proven, lastAt } = this;
    if (unproven.oldest !== NO_SESSION && now - lastAt[unproven.oldest] >= ms) return unproven.oldest;
    if (proven.oldest !== NO_SESSION && now - lastAt[proven.oldest] >= ms) return proven.oldest;
    return NO_SESSION;
  }

  /** It has ended, whyever. */
  end(session: number): void {
    const { words } = this;
    const at = session * WORDS;
    assert(words[at + STATE] !== FREE, 'a session ends once');
    this.release(session);
    this.listOf(at).remove(words, session);
    this.sources.leave(session);
    words[at + STATE] = FREE;
    words[at + CHAIN] = this.firstFree;
    this.firstFree = session;
    this.count--;
  }

  private listOf(at: number): SessionList {
    return this.words[at + STATE] === PROVEN ? this.proven : this.unproven;
  }

  private hash(of: Correspondents): number {
    const client = hashWords(of.ip0 ^ this.seed, of.ip1, of.ip2, of.ip3);
    const port = of.port | (of.proxyPort << 16);
    return mixHash(
      hashWords(client ^ port, of.local0 ^ of.localPort, of.local1 ^ of.local2, of.local3 ^ of.proxy3) ^ this.seed,
    );
  }

  private chain(session: number, hash: number): void {
    const bucket = hash & (this.capacity - 1);
    const at = session * WORDS;
    this.words[at + BUCKET] = hash & 0x7fffffff;
    this.words[at + CHAIN] = this.buckets[bucket];
    this.buckets[bucket] = session;
    if (this.hasUnasked(at)) this.unaskedCount++;
  }

  /** Its client's next datagram belongs to another session. */
  release(session: number): void {
    if (this.words[session * WORDS + BUCKET] !== UNBOUND) this.unbind(session);
  }

  private unbind(session: number): void {
    const { words, buckets } = this;
    const at = session * WORDS;
    const bucket = words[at + BUCKET] & (this.capacity - 1);
    words[at + BUCKET] = UNBOUND;
    if (this.hasUnasked(at)) this.unaskedCount--;
    if (buckets[bucket] === session) {
      buckets[bucket] = words[at + CHAIN];
      return;
    }
    let before = buckets[bucket] * WORDS;
    while (words[before + CHAIN] !== session) before = words[before + CHAIN] * WORDS;
    words[before + CHAIN] = words[at + CHAIN];
  }

  private hasUnasked(at: number): boolean {
    const { words } = this;
    return (words[at + LOCAL] | words[at + LOCAL + 1] | words[at + LOCAL + 2] | words[at + LOCAL + 3]) === 0;
  }

  /** Twice the room: every session that is bound is chained anew. */
  private grow(): void {
    const words = new Int32Array(this.capacity * 2 * WORDS);
    words.set(this.words);
    const lastAt = new Float64Array(this.capacity * 2);
    lastAt.set(this.lastAt);
    this.words = words;
    this.lastAt = lastAt;
    this.sources.grow();
    this.capacity *= 2;
    this.unaskedCount = 0;
    this.buckets = new Int32Array(this.capacity).fill(NO_SESSION);
    for (let session = 0; session < this.used; session++) {
      const at = session * WORDS;
      if (words[at + STATE] !== FREE && words[at + BUCKET] !== UNBOUND) this.chain(session, words[at + BUCKET]);
    }
  }
}

function isUnasked({ local0, local1, local2, local3 }: Correspondents): boolean {
  return (local0 | local1 | local2 | local3) === 0;
}

function shareOf(places: number): number {
  return Math.max(1, places * SHARE);
}

/** Sessions by when something of them last came, the oldest first. Its links are words of the sessions. */
class SessionList {
  oldest = NO_SESSION;
  size = 0;
  private newest = NO_SESSION;

  append(words: Int32Array, session: number): void {
    const at = session * WORDS;
    this.size++;
    words[at + OLDER] = this.newest;
    words[at + NEWER] = NO_SESSION;
    if (this.newest === NO_SESSION) this.oldest = session;
    else words[this.newest * WORDS + NEWER] = session;
    this.newest = session;
  }

  remove(words: Int32Array, session: number): void {
    const at = session * WORDS;
    const older = words[at + OLDER];
    const newer = words[at + NEWER];
    this.size--;
    if (older === NO_SESSION) this.oldest = newer;
    else words[older * WORDS + NEWER] = newer;
    if (newer === NO_SESSION) this.newest = older;
    else words[newer * WORDS + OLDER] = older;
  }

  refresh(words: Int32Array, session: number): void {
    if (this.newest === session) return;
    this.remove(words, session);
    this.append(words, session);
  }
}

/**
 * Which server an application's sessions are with, learned from its own cookie: the server that sets one has the session. What is learned is
 * in memory that all proxies share (base/learned-table.ts).
 *
 * Only responses teach: what a client writes makes no entry, so that nobody fills the table but who is given sessions. A session that
 * another server answers, because its own could not, is that one's from then on.
 */
import { hashBytes } from '../base/hash.ts';
import { KeyedHash } from '../base/keyed-hash.ts';
import { type LearnedTable, UNKNOWN } from '../base/learned-table.ts';
import { encodeUtf8 } from '../base/text.ts';
import type { LearnPlan } from '../config/plan/upstream.ts';
import { findCookie, findSetCookie } from '../core/value/lookup.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { Span } from '../core/value/span.ts';
import type { ResponseHead } from '../wire/http1/head.ts';
import type { Context } from './context.ts';
import type { StickyAnswer, StickyPlaced } from './http/sticky-answer.ts';
import type { Server } from './server.ts';
import type { Owners, Stickiness } from './stickiness.ts';

const NOTHING = new Uint8Array(0);
const HASH_BYTES = 8;
const SERVER_SEED = 0x6c6e7264;
const hash = new KeyedHash();
const said = new Span();

export class Learning implements Stickiness, StickyAnswer {
  private readonly context: Context;
  private readonly name: Uint8Array;
  private readonly idleS: number;
  /** Of the upstream's name: others have other sessions. */
  private readonly salt: Uint8Array;
  private owners: ReadonlyMap<number, Owners> = new Map();
  /** The request that was looked at last has a session that is known. */
  private isKnown = false;

  constructor(context: Context, { cookie, idleS }: LearnPlan, upstream: string) {
    this.context = context;
    this.name = encodeUtf8(cookie);
    this.idleS = idleS;
    this.salt = encodeUtf8(upstream);
  }

  update(servers: readonly Server[]): void {
    const owners = new Map<number, Server[]>();
    for (const server of servers) {
      const { addressText } = server;
      server.stickyNumber = addressText === '' ? UNKNOWN : numberOf(addressText);
      if (server.stickyNumber === UNKNOWN) continue;
      owners.set(server.stickyNumber, [...(owners.get(server.stickyNumber) ?? []), server]);
    }
    this.owners = owners;
  }

  find(view: RequestView): Owners | null {
    this.isKnown = false;
    const table = this.context.learnedTable();
    if (table === null || !findCookie(view.bytes, view.head, this.name, 0, said) || said.length === 0) return null;
    this.hashSession(table);
    const number = table.find(hash.first, hash.second, this.nowS, this.idleS);
    this.isKnown = number !== UNKNOWN;
    return this.owners.get(number) ?? null;
  }

  /** The hash of the session that the request in the view was found to have, if it is known. */
  render(): Uint8Array {
    if (!this.isKnown) return NOTHING;
    const bytes = new Uint8Array(HASH_BYTES);
    const words = new DataView(bytes.buffer);
    words.setInt32(0, hash.first);
    words.setInt32(4, hash.second);
    return bytes;
  }

  answer(
    lines: Uint8Array,
    rendered: Uint8Array,
    memory: Uint8Array,
    head: ResponseHead,
    placed: StickyPlaced,
  ): Uint8Array {
    const table = this.context.learnedTable();
    const { stickyNumber } = placed.server as Server;
    if (table === null || stickyNumber === UNKNOWN) return lines;
    if (findSetCookie(memory, head, this.name, said) && said.length > 0) {
      this.hashSession(table);
      table.put(hash.first, hash.second, stickyNumber, this.nowS);
    } else if (rendered.length > 0 && !placed.isBound) {
      const words = new DataView(rendered.buffer);
      table.put(words.getInt32(0), words.getInt32(4), stickyNumber, this.nowS);
    }
    return lines;
  }

  /** That in `said`, into `hash`. */
  private hashSession({ key0, key1 }: LearnedTable): void {
    const { salt } = this;
    hash.hash(salt, 0, salt.length, key0, key1);
    hash.hash(said.bytes, said.at, said.length, hash.first, hash.second);
  }

  private get nowS(): number {
    const { sharedClockMs, transport } = this.context;
    return Math.floor((transport.now + sharedClockMs) / 1000);
  }
}

/** The same in every proxy, and in every plan. */
function numberOf(address: string): number {
  const text = encodeUtf8(address);
  return hashBytes(text, 0, text.length, SERVER_SEED);
}

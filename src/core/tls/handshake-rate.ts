/**
 * How many full handshakes a listener of one proxy begins in a second, in all and with one source. A second's worth may come at once. Whoever
 * resumes a session costs little and takes nothing, unless it only said so: then it is charged afterwards, and nobody from there comes in
 * before that is paid off.
 */
import { latin1 } from '../../base/text.ts';

export interface HandshakeLimits {
  /** 0: any number. */
  readonly perSecond: number;
  /** Of an IPv4 address, or an IPv6 network of 64 bits. 0: any number. */
  readonly perSource: number;
}

/** What a source may still begin: so many, at that time. */
interface Account {
  left: number;
  at: number;
}

const SECOND_MS = 1000;

export class HandshakeRate {
  private readonly limits: HandshakeLimits;
  private readonly all: Account;
  /** Those that have begun one within a second or so, or are in debt, the one that was looked at longest ago first. */
  private readonly sources = new Map<string, Account>();

  constructor(limits: HandshakeLimits) {
    this.limits = limits;
    this.all = { left: limits.perSecond, at: 0 };
  }

  /** Whether there is anything that has to be asked. */
  get isLimited(): boolean {
    return this.limits.perSecond > 0 || this.limits.perSource > 0;
  }

  /** Whether one may begin; then it counts. `source`: see sourceOf; empty: it is not known. */
  admit(now: number, source: string, isResuming: boolean): boolean {
    const { perSecond, perSource } = this.limits;
    const own = perSource === 0 || source === '' ? null : this.accountOf(now, source);
    if (perSecond > 0) refill(this.all, now, perSecond);
    const wanted = isResuming ? 0 : 1;
    if (own !== null && own.left < wanted) return false;
    if (perSecond > 0 && this.all.left < wanted) return false;
    this.take(own, wanted);
    return true;
  }

  /** One that was to be resumed was not. */
  charge(now: number, source: string): void {
    this.take(this.limits.perSource === 0 || source === '' ? null : this.accountOf(now, source), 1);
  }

  private take(own: Account | null, count: number): void {
    this.all.left -= count;
    if (own !== null) own.left -= count;
  }

  private accountOf(now: number, source: string): Account {
    const { perSource } = this.limits;
    const known = this.sources.get(source);
    const account = known ?? { left: perSource, at: now };
    if (known !== undefined) this.sources.delete(source);
    this.sources.set(source, account);
    refill(account, now, perSource);
    this.forget(now, account);
    return account;
  }

  /** Forgets whoever may begin as many as ever. Who is in debt for longer than a second goes to the end, and keeps nobody behind it. */
  private forget(now: number, asked: Account): void {
    const { limits, sources } = this;
    for (const [source, account] of sources) {
      if (account === asked || now - account.at < SECOND_MS) return;
      refill(account, now, limits.perSource);
      sources.delete(source);
      if (account.left < limits.perSource) sources.set(source, account);
    }
  }
}

function refill(account: Account, now: number, perSecond: number): void {
  account.left = Math.min(perSecond, account.left + ((now - account.at) * perSecond) / SECOND_MS);
  account.at = now;
}

const MAPPED_BYTES = 12;
const NETWORK_BYTES = 8;
const ADDRESS_BYTES = 16;
const ONES = 255;

/** Of an address of 16 bytes (`Socket.remoteAddress`): an IPv4 address, or the first half of an IPv6 address. Empty: there is none. */
export function sourceOf(bytes: Uint8Array): string {
  const isMapped =
    bytes[MAPPED_BYTES - 1] === ONES && bytes[MAPPED_BYTES - 2] === ONES && isZero(bytes, MAPPED_BYTES - 2);
  if (!isMapped && isZero(bytes, ADDRESS_BYTES)) return '';
  return isMapped ? latin1(bytes, MAPPED_BYTES, ADDRESS_BYTES - MAPPED_BYTES) : latin1(bytes, 0, NETWORK_BYTES);
}

function isZero(bytes: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Keys for session tickets, of a secret and the time: whoever has the secret has the same keys at the same time, so that a session goes on
 * in every proxy, on the other node of a pair, and behind an upgrade. A key is for new sessions for one period, and is known one period
 * before that, since clocks differ, and one behind it.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import type { TicketKeys, TicketSource } from '../../port/tls.ts';

export const TICKET_PERIOD_MS = 8 * 3_600_000;
const SECRET_BYTES = 32;
const KEY_BYTES = 80;
const LOOK_MS = 30_000;

export function createTicketSecret(): Uint8Array {
  return Uint8Array.from(randomBytes(SECRET_BYTES));
}

/** The number of the period that this Unix time is in. */
export function ticketPeriod(nowMs: number): number {
  return Math.floor(nowMs / TICKET_PERIOD_MS);
}

/** For TicketKeys: HKDF (RFC 5869) with SHA-256, without salt, over `evenkeel ticket key N` with the number of the period. */
export function deriveTicketKey(secret: Uint8Array, period: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `evenkeel ticket key ${period}`, KEY_BYTES));
}

export function ticketKeysOf({ id, kind, bytes }: TicketSource, period: number): TicketKeys {
  if (kind === 'keys') return { id, keys: bytes };
  const keys = bytes.flatMap((secret) => [0, -1, 1].map((step) => deriveTicketKey(secret, period + step)));
  return { id, keys };
}

/** Says that another period has begun. */
export class TicketClock {
  private readonly now: () => number;
  private readonly timer: NodeJS.Timeout;
  private period: number;

  constructor(onPeriod: () => void, now: () => number = Date.now) {
    this.now = now;
    this.period = ticketPeriod(now());
    // The clock may be set: it is looked at, and not waited for.
    this.timer = setInterval(() => {
      if (ticketPeriod(this.now()) === this.period) return;
      this.period = ticketPeriod(this.now());
      onPeriod();
    }, LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** The secrets of this node and its peers, and the keys of this time. */
export class TicketSecretsInUse {
  /** Of this node. */
  readonly own: Uint8Array;
  /** The first one is for new tickets. */
  private secrets: readonly Uint8Array[];
  private readonly clock: TicketClock;

  /** `inherited`: of a predecessor, whose tickets are out there. `onPeriod`: the keys are others now. */
  constructor(inherited: Uint8Array | null, onPeriod: () => void) {
    this.own = inherited ?? createTicketSecret();
    this.secrets = [this.own];
    this.clock = new TicketClock(onPeriod);
  }

  use(secrets: readonly Uint8Array[]): void {
    this.secrets = secrets;
  }

  /** Those of files too. */
  keysWith(sources: readonly TicketSource[]): readonly TicketKeys[] {
    const own: TicketSource = { id: '', kind: 'secrets', bytes: this.secrets };
    const period = ticketPeriod(Date.now());
    return [own, ...sources].map((one) => ticketKeysOf(one, period));
  }

  stop(): void {
    this.clock.stop();
  }
}

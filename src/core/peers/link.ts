/**
 * The link to one other node: when to connect, whether what came is the peer, and whether it lives. Pure: each event brings the time, and
 * whoever has the connection does what is returned. Of two nodes the one whose name comes first connects, and the other one listens.
 *
 *   apart ──dial──> connecting ──connected──> greeting ──hello──> up
 *     ^                 │                        │               │
 *     └─────────────────┴──── closed ────────────┴───────────────┘
 */
import { FORMAT, type PeerMessage } from './messages.ts';

export type LinkState = 'apart' | 'connecting' | 'greeting' | 'up';

export type LinkAction =
  | { readonly kind: 'dial' }
  | { readonly kind: 'send'; readonly message: PeerMessage }
  | { readonly kind: 'close' }
  /** From now on what it says counts. */
  | { readonly kind: 'up' }
  | { readonly kind: 'message'; readonly message: PeerMessage };

export interface LinkOptions {
  /** Of this node. */
  readonly node: string;
  readonly version: string;
  /** Of the other one. */
  readonly peer: string;
  /** From 0 to 1: what of the jitter is this one's. */
  readonly fraction: number;
}

export const CONNECT_MS_MAX = 5_000;
const HELLO_MS_MAX = 5_000;
export const BEAT_MS = 2_000;
/** Three beats and a machine that is busy. */
export const SILENCE_MS_MAX = 10_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 5_000;
const JITTER = 0.2;

export class PeerLink {
  private readonly options: LinkOptions;
  private readonly dials: boolean;
  state: LinkState = 'apart';
  /** Since when it is up, or not. */
  sinceMs: number;
  /** Why it is not up. */
  reason = 'it has not been reached yet';
  /** Of the peer's program. Null: it has not said. */
  version: string | null = null;
  /** It answers when it is asked whether this node may go. */
  agrees = false;
  /** When something has to be done, if nothing happens. */
  private deadlineMs: number;
  private heardMs = 0;
  private failures = 0;

  constructor(options: LinkOptions, nowMs: number) {
    this.options = options;
    this.dials = options.node < options.peer;
    this.sinceMs = nowMs;
    this.deadlineMs = this.dials ? nowMs : Number.POSITIVE_INFINITY;
  }

  /** When `handleTime` is to be called, at the latest. */
  get nextMs(): number {
    return this.deadlineMs;
  }

  handleTime(nowMs: number): readonly LinkAction[] {
    if (nowMs < this.deadlineMs) return [];
    switch (this.state) {
      case 'apart':
        this.enter('connecting', nowMs, nowMs + CONNECT_MS_MAX);
        return [{ kind: 'dial' }];
      case 'connecting':
        return this.give(`it does not answer within ${CONNECT_MS_MAX / 1_000} s`, nowMs);
      case 'greeting':
        return this.give(`it says nothing within ${HELLO_MS_MAX / 1_000} s`, nowMs);
      case 'up':
        if (nowMs - this.heardMs >= SILENCE_MS_MAX) {
          return this.give(`it was silent for ${SILENCE_MS_MAX / 1_000} s`, nowMs);
        }
        this.deadlineMs = nowMs + BEAT_MS;
        return [{ kind: 'send', message: { type: 'beat' } }];
    }
  }

  /** A connection stands, and who is there has the peer's key. One that there was is closed before. */
  handleConnected(nowMs: number): readonly LinkAction[] {
    const { node, version } = this.options;
    this.enter('greeting', nowMs, nowMs + HELLO_MS_MAX);
    return [{ kind: 'send', message: { type: 'hello', format: FORMAT, node, version, agrees: true } }];
  }

  /** From that connection. A text: it is none, and why. */
  handleMessage(message: PeerMessage | string, nowMs: number): readonly LinkAction[] {
    if (this.state !== 'greeting' && this.state !== 'up') return [];
    if (typeof message === 'string') return this.give(message, nowMs);
    this.heardMs = nowMs;
    if (this.state === 'up') return message.type === 'beat' ? [] : [{ kind: 'message', message }];
    if (message.type !== 'hello') return this.give('it does not say who it is', nowMs);
    if (message.format !== FORMAT) {
      return this.give(
        `it speaks format ${message.format}, and this one ${FORMAT}: run the same version on both`,
        nowMs,
      );
    }
    if (message.node !== this.options.peer) return this.give(`it says that it is ${message.node}`, nowMs);
    this.version = message.version;
    this.agrees = message.agrees === true;
    this.failures = 0;
    this.enter('up', nowMs, nowMs + BEAT_MS);
    this.reason = '';
    return [{ kind: 'up' }];
  }

  /** There is no connection, or none any more. */
  handleClosed(reason: string, nowMs: number): void {
    if (this.state !== 'apart') this.part(reason, nowMs);
  }

  /** Somebody else came from where the peer is, and was turned away. */
  handleStranger(reason: string): void {
    if (this.state === 'apart' && !this.dials) this.reason = reason;
  }

  private give(reason: string, nowMs: number): readonly LinkAction[] {
    this.part(reason, nowMs);
    return [{ kind: 'close' }];
  }

  private part(reason: string, nowMs: number): void {
    const delayMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(this.failures, 20), RETRY_MS_MAX);
    this.failures++;
    const dialAtMs = nowMs + delayMs * (1 + JITTER * this.options.fraction);
    this.enter('apart', nowMs, this.dials ? dialAtMs : Number.POSITIVE_INFINITY);
    this.reason = reason;
  }

  private enter(state: LinkState, nowMs: number, deadlineMs: number): void {
    if (state === 'up' || this.state === 'up') this.sinceMs = nowMs;
    this.state = state;
    this.deadlineMs = deadlineMs;
  }
}

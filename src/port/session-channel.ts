/**
 * Sessions of UDP on their way from the process that has a bound socket to the one that is to have it. Both may be of different
 * versions: what is said is a JSON object, what is not understood is left out, and a message only ever gets further fields.
 */
import type { Standing } from '../base/correspondents.ts';
import { parseObject } from './control.ts';

/** A session as its next process is told of it. */
export interface SessionAccount {
  readonly client: string;
  readonly port: number;
  /** The address that the client has asked; `::` where that is not known. */
  readonly asked: string;
  readonly standing: Standing;
  /** Who is between, whose header says who the client is. */
  readonly proxy?: { readonly host: string; readonly port: number };
  /** `192.0.2.11:53` */
  readonly server: string;
}

export type SessionMessage =
  /** From the next one: it has the bound socket, and takes sessions. */
  | { readonly type: 'ready' }
  /** To it: these. Copies of their sockets towards servers come with the message, in this order. */
  | { readonly type: 'sessions'; readonly sessions: readonly SessionAccount[] }
  /** All have been sent, and the bound socket is received from no longer. */
  | { readonly type: 'over' }
  /** From it: so be it. */
  | { readonly type: 'taken' };

export interface SessionPacket {
  /** Null: not understood. */
  readonly message: SessionMessage | null;
  /** This process's own. There are fewer than there should be where it can have no more. */
  readonly descriptors: readonly number[];
}

/** One end. Nothing is waited for. */
export interface SessionChannel {
  /** Copies of these descriptors go with it. False: the other one takes nothing now; or is gone, which `receive` tells. */
  send(message: SessionMessage, descriptors?: readonly number[]): boolean;
  /** Null: nothing is there. `gone`: there is no other end. */
  receive(): SessionPacket | 'gone' | null;
  /** A descriptor that came, and that nobody wants. */
  drop(descriptor: number): void;
  /** Idempotent. */
  close(): void;
}

/** With the longest addresses, more would not fit a packet. */
export const SESSIONS_PER_PACKET = 8;

/** Null: not understood. */
export function parseSessionMessage(text: string): SessionMessage | null {
  const value = parseObject(text);
  if (value?.type === 'ready' || value?.type === 'over' || value?.type === 'taken') return { type: value.type };
  if (value?.type !== 'sessions' || !Array.isArray(value.sessions)) return null;
  return { type: 'sessions', sessions: value.sessions as readonly SessionAccount[] };
}

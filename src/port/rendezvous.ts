/**
 * Where a proxy is found by a keeper that did not start it: a socket with a path, on which it listens all its life. So a keeper
 * that starts finds the proxies of one that was killed, whatever they do just then, and the system says which process each is.
 * Both sides may be of different versions: what is not understood is left out.
 */
import type { KeeperMessage } from './control.ts';

/** A proxy that was found. */
export type StrayMessage =
  /** It has a keeper. */
  | { readonly type: 'kept' }
  /** A part of what it listens on: the descriptors come with it. */
  | { readonly type: 'sockets' }
  /** It has none. All that it listens on has been sent. */
  | { readonly type: 'stray' }
  /** A sign of life. */
  | { readonly type: 'alive' };

/** What a keeper may say to it. */
export type AdopterMessage = Extract<KeeperMessage, { type: 'drain' }>;

/** What is received at a time. */
export interface Packet {
  readonly text: string;
  readonly descriptors: readonly number[];
}

/** A connection to a proxy that was found. */
export interface Meeting {
  /** Of the process that listens there, as the system says. */
  readonly pid: number;
  /** What it says is not waited for. */
  send(text: string): void;
  /** Null: nothing is there. */
  receive(): Packet | 'gone' | null;
  close(): void;
}

export interface RendezvousHost {
  /** A socket for a proxy to listen on, which inherits the descriptor. Null: it cannot be had. */
  open(path: string): number | null;
  /** Meets who listens there. Null: nobody does. */
  meet(path: string): Meeting | null;
}

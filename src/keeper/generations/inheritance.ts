/** What a keeper leaves to its successor, besides listening sockets. By names, for the successor may be of another version. */
import type { CountMemory } from './former-counts.ts';
import type { HaHeritage, HaMemory } from '../ha/heritage.ts';
import type { EndpointMemory } from '../../core/health/endpoint-health.ts';
import type { Override } from '../../core/overrides.ts';
import type { NameMemory } from '../servers/names.ts';

export interface Inheritance {
  /**
   * Links to the keepers before it that are still there, the oldest first. So many descriptors; those of `ha` follow, and then
   * listening sockets.
   */
  readonly links: number;
  /** Which of these have nothing left to finish, and stay as the parent of all. Keepers up to 0.1.0 do not say it. */
  readonly finished?: readonly number[];
  readonly servers: readonly ServerMemory[];
  readonly names: readonly NameMemory[];
  /** Hexadecimal: sessions of TLS go on. Keepers up to 0.1.0 do not say it. */
  readonly ticketSecret?: string;
  /**
   * By node, newest first, base64url: what this node and its peers make session tickets with, as it has heard it. Keepers up to 0.1.0 do not
   * say it.
   */
  readonly ticketSecrets?: { readonly [node: string]: readonly string[] };
  /**
   * The layout of the table of TLS sessions (TlsSessionTable.layout). Its descriptor comes before the listening sockets; where nobody knows of it, it is
   * one of them that does not listen. Not said: there is none.
   */
  readonly sessions?: string;
  /** The same of what is learned (LearnedTable.layout), whose descriptor follows. */
  readonly learned?: string;
  /** What was said by hand, where it could not be written down; null: it is in the file. Keepers up to 0.1.0 do not say it. */
  readonly overrides?: readonly Override[] | null;
  /**
   * Listening sockets of UDP whose sessions come too, as numbers of them in their order. A descriptor for each follows all others: the
   * end of a channel (port/session-channel.ts). Keepers up to 0.1.0 do not say it.
   */
  readonly udpSessions?: readonly number[];
  /** There are virtual addresses. */
  readonly ha?: HaHeritage | null;
}

/** And what is known in the end, when the successor is in charge. */
export interface LastWords {
  readonly counts: CountMemory;
  /** Null: there were no virtual addresses. */
  readonly ha: HaMemory | null;
}

/** What is known of a server at one of its addresses. */
export interface ServerMemory {
  readonly upstream: string;
  readonly server: string;
  readonly address: string;
  readonly memory: EndpointMemory;
}

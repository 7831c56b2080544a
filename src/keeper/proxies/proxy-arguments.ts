/**
 * What a proxy process inherits from the keeper, and under which descriptors. Both sides take it from here; nothing else
 * about it is agreed anywhere. Plans and listening sockets follow by the descriptor channel, the first like all others.
 */
import type { ProcessUser } from '../../port/host.ts';

/** The control channel: a connected stream socket. */
export const CONTROL_DESCRIPTOR = 3;
/** Where descriptors come from (io/linux/descriptor-channel.ts). */
export const DESCRIPTOR_CHANNEL = 4;
/** The status board's server table, to read. */
export const TABLE_DESCRIPTOR = 5;
/** Where it listens for keepers other than its own (port/rendezvous.ts); if there is no such place, nothing. */
export const RENDEZVOUS_DESCRIPTOR = 6;
/** The status board's rows follow: its own to write, the others to read. */
export const FIRST_ROW_DESCRIPTOR = 7;

/** Its exit code if the program on disk, which it is, is no longer that of its keeper. */
export const EXIT_OTHER_PROGRAM = 3;
export const OTHER_PROGRAM = 'the program on disk is another one now';

/** What it is told on its command line. */
export interface ProxyArguments {
  /** Which row of the board is its own, of so many. */
  readonly row: number;
  readonly rows: number;
  /** The place that it fills. */
  readonly worker: number;
  readonly hasRendezvous: boolean;
  /** Whom it is to become. Null: it stays who it is. */
  readonly user: ProcessUser | null;
  readonly titles: ProxyTitles;
}

/**
 * What its process is called: `own`, as a part of evenkeel; `borrowed`, as nginx's workers, for who looks whether nginx runs. The word itself
 * must not be on a command line: a proxy that has only been started does not serve.
 */
export type ProxyTitles = 'own' | 'borrowed';

export function formatArguments(given: ProxyArguments): string {
  return JSON.stringify(given);
}

export function parseArguments(text: string): ProxyArguments {
  return JSON.parse(text) as ProxyArguments;
}

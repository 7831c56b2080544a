/**
 * A list of servers in a store that says all of it when asked, and from then on what changes. Pure: what to ask the store comes out, what it
 * has said goes in. Each store has one of these; how it is asked, and what becomes of failures, is the same for all of them.
 */
import type * as z from 'zod';

export interface WatchedList {
  /** The next question for the whole of it. */
  all(): Query;
  /** An answer to that. True: that was all of it; false: there is more, and `all` asks for it. Throws NoList. */
  handleAll(text: string): boolean;
  /** The question that is answered by a line for each change after what is known, for as long as both sides like. */
  changes(): Query;
  /** One of those lines. Throws NoList. */
  handleLine(line: string): Heard;
  /** The list was not asked for to its end: `all` begins anew. */
  forget(): void;
  /** What is known, as the text of a list of servers. Throws NoList if it cannot be one. */
  list(): string;
  /** What one of that is called, by its index; not there: it has no name. */
  nameOf?(index: number): string;
}

export interface Query {
  /** Path and query of the URL. */
  readonly path: string;
  /** Null: it is a GET. */
  readonly body: string | null;
}

/**
 * `changed`: there may be other servers. `same`: what is known is true as of now. `outdated`: the store does not know any more what
 * has changed since; all of it has to be asked for again.
 */
export type Heard = 'changed' | 'same' | 'outdated';

/** What the store says is of no use, and why, for people. */
export class NoList extends Error {}

/** More than a list may have of servers, so that it is told apart from one that is cut off. */
export const ENTRIES_MAX = 1_000;

/** Throws NoList if the text is not JSON of this shape. */
export function parseSaid<T>(schema: z.ZodType<T>, text: string, whose: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new NoList(`its answer is not that of ${whose}`);
  }
}

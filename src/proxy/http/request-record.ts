/**
 * What there is to say of a request that has ended: as an Exchange has it, for whoever counts and logs. It holds until the call
 * that hands it over returns.
 */
import type { ServerPlan } from '../../config/plan.ts';

/** How it ended. */
export type Outcome =
  | 'served' // a server's response was handed on to its end
  | 'answered' // by the proxy itself
  | 'switched' // to another protocol: the connection goes on as a tunnel
  | 'broken' // the server ended in the middle of its response
  | 'cut' // the proxy ended it: a time was over, memory was short, or the client too slow
  | 'left'; // the client is gone

export interface RequestRecord {
  /** False: what came was no request, or not all of one. */
  readonly isRequest: boolean;
  /** METHOD_... */
  readonly method: number;
  readonly outcome: Outcome;
  /** What the client was answered with; 0: nothing. */
  readonly status: number;
  /** The server of the last try. */
  readonly server: { readonly plan: ServerPlan } | null;
  /** An error of the proxy's own that was the answer; null: there was none. */
  readonly answer: AnswerRecord | null;
}

export interface AnswerRecord {
  /** The listener or upstream that it is told of. */
  readonly owner: string;
  /** Index in ANSWER_KINDS. */
  readonly kind: number;
  /** The request's identifier: `idLength` bytes of `id` at `idAt`. */
  readonly id: Uint8Array;
  readonly idAt: number;
  readonly idLength: number;
}

export interface RequestReader {
  handleRequest(record: RequestRecord): void;
}

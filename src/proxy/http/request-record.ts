/**
 * What there is to say of a request that has ended: as an Exchange has it, for whoever counts and logs. Each request is handed over once,
 * in `Exchange.finish`: also one that was refused before it was parsed, and one whose client has left. It holds until the call that hands
 * it over returns. docs/decisions/access-log.md
 *
 * Times are those of the transport's clock: whatever happens in one turn has one time.
 */
import type { CountedPlan, ListenerPlan, RoutePlan, ServerPlan, UpstreamPlan } from '../../config/plan.ts';
import type { Phase } from '../../core/endings.ts';
import type { Draft } from '../log/draft.ts';
import type { Trail } from './trail.ts';

export interface RequestRecord {
  /** False: what came was no request, or not all of one. */
  readonly isRequest: boolean;
  /** METHOD_... */
  readonly method: number;
  /** Why it has ended: index in ENDINGS. */
  readonly ending: number;
  /** What it was in then. */
  readonly phase: Phase;
  /** What the client was answered with; 0: nothing. */
  readonly status: number;
  readonly listener: ListenerPlan;
  /** With which others it is counted, by the first route that it has taken. Null: it has taken none. */
  readonly counted: CountedPlan | null;
  /** Null: it went to no server. */
  readonly routePlan: RoutePlan | null;
  readonly upstreamPlan: UpstreamPlan | null;
  /** The server of the last try. */
  readonly server: { readonly plan: ServerPlan; readonly slot: number } | null;
  readonly trail: Trail;
  /** An error of the proxy's own that was the answer; null: there was none. */
  readonly answer: AnswerRecord | null;

  // --- milliseconds ---
  /** Its first byte was here. */
  readonly begunAt: number;
  /** Its head was. */
  readonly headAt: number;
  /** The head of a server's response was; 0: there was none. */
  readonly responseAt: number;
  readonly endedAt: number;
  /** It has waited so long for a server that had room. */
  readonly queuedMs: number;

  // --- bytes ---
  /** Of the client: head and body, as far as they were taken from it. */
  readonly receivedBytes: number;
  /** Handed to the kernel for the client, or queued for that. */
  readonly sentBytes: number;
  /** Of these, heads. */
  readonly sentHeadBytes: number;

  // --- for access logs: nothing where it is in none ---
  /** Its lines, as far as the request says them. */
  readonly drafts: Draft[];
  /** Its identifier: `idLength` bytes of `idBytes` at `idAt`. */
  readonly idBytes: Uint8Array;
  readonly idAt: number;
  readonly idLength: number;
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

/**
 * What there is to say of a request that has ended: as an Exchange has it, for whoever counts and logs. Each request is handed over once,
 * in `Exchange.finish`: also one that was refused before it was parsed, and one whose client has left. docs/decisions/access-log.md
 */
import type { RoutePlan } from '../../config/plan/route.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import type { EndRecord } from '../log/end-record.ts';
import type { Trail } from './trail.ts';

export interface RequestRecord extends EndRecord {
  /** False: what came was no request, or not all of one. */
  readonly isRequest: boolean;
  /** No client has sent it: it is the copy of a request, or a question about one. */
  readonly isInner: boolean;
  /** METHOD_... */
  readonly method: number;
  /** Null: it went to no server. */
  readonly routePlan: RoutePlan | null;
  /** The server of the last try. */
  readonly server: { readonly plan: ServerPlan; readonly slot: number } | null;
  /** It has said that it belongs to that server. */
  readonly isBound: boolean;
  /** The servers that were asked whether it may enter, and have not let it in; null: nobody was asked. */
  readonly asked: Trail | null;
  /** An error of the proxy's own that was the answer; null: there was none. */
  readonly answer: AnswerRecord | null;
  /** Milliseconds: the head of a server's response was here; 0: there was none. */
  readonly responseAt: number;
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

/**
 * What access logs and whoever counts have to know of a request, or of a session of TCP or UDP, that has ended. It holds until the call
 * that hands it over returns.
 *
 * Times are those of the transport's clock: whatever happens in one turn has one time.
 */
import type { CountedPlan } from '../../config/plan/record.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import type { Phase } from '../../core/endings.ts';
import type { Trail } from '../http/trail.ts';
import type { Draft } from './draft.ts';
import type { HeadNotes } from './head-notes.ts';

export interface EndRecord {
  /** Why it has ended: index in ENDINGS. */
  readonly ending: number;
  /** What it was in then. */
  readonly phase: Phase;
  /** What the client was answered with; 0: nothing. Of a session, what became of it as a status says it. */
  readonly status: number;
  readonly listener: ListenerPlan;
  /** The limiter that has refused it; empty: none. */
  readonly limiter: string;
  /** With which others it is counted, by the first route that it has taken. Null: it has taken none. */
  readonly counted: CountedPlan | null;
  /** Null: it went to no server. */
  readonly upstreamPlan: UpstreamPlan | null;
  readonly trail: Trail;
  /** If all of it has come, it is short, and somebody wants to know. */
  readonly requestBody: Uint8Array;

  // --- milliseconds ---
  /** Its first byte was here; of a session, its client. */
  readonly begunAt: number;
  /** Its head was. */
  readonly headAt: number;
  readonly endedAt: number;
  /** It has waited so long for a server that had room. */
  readonly queuedMs: number;

  // --- bytes ---
  /** Of the client, as far as they were taken from it. */
  readonly receivedBytes: number;
  /** Handed to the kernel for the client, or queued for that. */
  readonly sentBytes: number;
  /** Of these, heads. */
  readonly sentHeadBytes: number;

  // --- for access logs: nothing where it is in none ---
  /** Its lines, as far as was known when it began. */
  readonly drafts: Draft[];
  /** What they say of fields of its response; null: nothing, or no head of one has gone to its client. */
  readonly notes: HeadNotes | null;
  /** Its identifier: `idLength` bytes of `idBytes` at `idAt`. */
  readonly idBytes: Uint8Array;
  readonly idAt: number;
  readonly idLength: number;
}

/** What is done with a response because its client has, or is to have, a server of its own. */
import type { RequestView } from '../../core/value/request-view.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { Server } from '../server.ts';

/** Where the request is. */
export interface StickyPlaced {
  readonly server: Server | null;
  /** It has said that it belongs to that server. */
  readonly isBound: boolean;
}

export interface StickyAnswer {
  /** What the request in the view has a part in, for `answer`. The upstream's `Stickiness` has looked at that request last. */
  render(view: RequestView): Uint8Array;
  /** `lines` of a response with this head, with what is said in it. `rendered`: of its request. `nowMs`: since 1970. */
  answer(
    lines: Uint8Array,
    rendered: Uint8Array,
    memory: Uint8Array,
    head: ResponseHead,
    placed: StickyPlaced,
    nowMs: number,
  ): Uint8Array;
}

/**
 * Keeps requests of one listener's clients in the form in which servers get them: as lines, which HTTP/1 sends as they are and HTTP/2 packs. So it
 * need not be known yet what the server that is chosen later speaks.
 */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { BelievedHops } from '../../core/client/forwarded-for.ts';
import { REWRITE_BAD_PATH } from '../../core/route/rewrite.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Context } from '../context.ts';
import type { KeptRequest } from './kept-request.ts';
import * as own from './own-responses.ts';
import { RequestEmitter } from './request-emitter.ts';
import type { RequestIds } from './request-id.ts';
import type { Route } from './route.ts';

export class RequestKeeper {
  private readonly context: Context;
  private readonly ids: RequestIds;
  private emitter!: RequestEmitter;

  constructor(context: Context, ids: RequestIds) {
    this.context = context;
    this.ids = ids;
  }

  configure({ forwarded, via }: ListenerPlan): void {
    const { memory, prng } = this.context;
    this.emitter = new RequestEmitter(memory, prng, this.ids, via, forwarded.kind === 'append');
  }

  /**
   * Keeps the request in the view, whose head was `headLength` bytes long, as `route` changes it. Null, or what to answer because
   * that is not possible; then nothing is kept. Leaves in the view where the request's identifier stands.
   */
  keep(
    request: KeptRequest,
    view: RequestView,
    hops: BelievedHops,
    route: Route,
    isUpgrade: boolean,
    headLength: number,
  ): own.OwnResponse | null {
    const { emitter } = this;
    const bound = emitter.bound(view, headLength, route);
    if (bound > HEAD_SLOT_BYTES) return own.HEAD_GREW_TOO_LARGE;
    if (!request.allocate(bound)) return own.OUT_OF_MEMORY;
    const { start } = request;
    const end = emitter.emit(view, hops, route, isUpgrade, start);
    if (end < 0) {
      request.release();
      return end === REWRITE_BAD_PATH ? own.BAD_PATH : own.HEAD_GREW_TOO_LARGE;
    }
    request.begin(end - start);
    if (route.addsRequestId) {
      request.id = view.requestId;
      request.idLength = view.requestIdLength;
    }
    return null;
  }
}

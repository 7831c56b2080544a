/** Whole responses of the proxy's own, written into the scratch slot. */
import { HEAD_BYTES_MAX, RESPOND_BODY_BYTES_MAX, RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Context } from '../context.ts';
import { linesFor } from './header-edit.ts';
import { locationLine, NOTHING, type OwnResponse, reasonOf, TEXT_PLAIN } from './own-responses.ts';
import type { AnswerRecord } from './request-record.ts';
import type { Told } from './response-facts.ts';
import type { Route } from './route.ts';
import type { ResponseEmitter } from './response-emitter.ts';

export class OwnAnswers {
  private readonly context: Context;
  private readonly emitter: ResponseEmitter;

  constructor(context: Context, emitter: ResponseEmitter) {
    this.context = context;
    this.emitter = emitter;
  }

  private get start(): number {
    const { arena, scratchSlot } = this.context;
    return arena.start(scratchSlot);
  }

  /** An error, with these lines. `word`: what is said about the connection. The length. */
  writeError(
    response: OwnResponse,
    { id, idAt, idLength }: AnswerRecord,
    lines: Uint8Array,
    isHead: boolean,
    word: number,
  ): number {
    const { start } = this;
    return this.emitter.emitError(response, id, idAt, idLength, lines, isHead, word, start) - start;
  }

  /** The same for a call of gRPC. */
  writeGrpcError(response: OwnResponse, { id, idAt, idLength }: AnswerRecord, lines: Uint8Array): number {
    const { start } = this;
    return this.emitter.emitGrpcError(response, id, idAt, idLength, lines, start) - start;
  }

  /** An answer that is no error, and no route's. */
  writePlain(response: OwnResponse, word: number): number {
    const { start } = this;
    return this.emitter.emitOwn(response, TEXT_PLAIN, NOTHING, NOTHING, false, word, start) - start;
  }

  /**
   * What the route answers the request in the view with. `told`: of the tries before. `carried`: lines that it has besides.
   * -1: that is too long.
   */
  writeRoute(route: Route, view: RequestView, told: Told, carried: Uint8Array, isHead: boolean, word: number): number {
    const { changes } = route;
    const { responseValues } = this.context;
    let plain = linesFor(this.context, route.responseEdit, view);
    if (carried.length > 0 && plain !== null) plain = Uint8Array.from([...plain, ...carried]);
    const location = this.locationFor(route, view);
    let response = withStatus(this.responseFor(route, view), view.answerStatus);
    if (response !== null && changes !== null && route.hasLateBody) {
      const body = changes.body(response.body, response.status, told, responseValues);
      response = body === null ? null : { ...response, body };
    }
    if (response === null || plain === null || location === null) return -1;
    const lines =
      changes === null ? plain : changes.answer(plain, response.status, changes.render(view), told, responseValues);
    if (lines === null || lines.length > RESPONSE_EDIT_BYTES_MAX) return -1;
    const { start } = this;
    return this.emitter.emitOwn(response, route.ownContentType, location, lines, isHead, word, start) - start;
  }

  private locationFor({ redirect }: Route, view: RequestView): Uint8Array | null {
    if (redirect === null) {
      const { answerLocation, answerStatus } = view;
      return answerStatus > 0 && answerLocation !== null ? locationLine(answerLocation) : NOTHING;
    }
    const { start } = this;
    const { memory } = this.context;
    const end = redirect.write(view, memory, start, start + HEAD_BYTES_MAX);
    return end < 0 ? null : locationLine(memory.subarray(start, end));
  }

  private responseFor({ own: response, ownBody, ownContentType }: Route, view: RequestView): OwnResponse | null {
    if (ownBody === null) return response;
    const { start } = this;
    const { memory } = this.context;
    const end = ownBody.emit(view, memory, start, start + RESPOND_BODY_BYTES_MAX - ownContentType.length);
    return end < 0 ? null : { ...(response as OwnResponse), body: memory.slice(start, end) };
  }
}

/** `status` 0: its own. */
function withStatus(response: OwnResponse | null, status: number): OwnResponse | null {
  return response === null || status === 0 ? response : { ...response, status, reason: reasonOf(status) };
}

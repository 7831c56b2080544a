/**
 * What is added to the response of one exchange: the lines of its route, those that stay of a server's response when a page is answered in
 * place of it, and what is done because clients have servers of their own.
 */
import { RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import { type HeaderEdit, linesFor } from './header-edit.ts';
import type { ResponseTexts } from './response-changes.ts';
import type { Told } from './response-facts.ts';
import { challengeOf, joined, takeOut, withoutOwn } from './response-lines.ts';
import type { Route } from './route.ts';
import type { StickyAnswer, StickyPlaced } from './sticky-answer.ts';
import { isSuccess } from './success.ts';
import { keptLines, typeLine } from './target-by.ts';

const NOTHING: Uint8Array = new Uint8Array(0);
const NO_TEXTS: ResponseTexts = [];
const CONTENT_TYPE = ascii('content-type');

/** What there is to tell of a request, and which server it is with. */
interface Placed extends Told, StickyPlaced {}

export class ResponseAdditions {
  private readonly context: Context;
  private lines = NOTHING;
  private successLines = NOTHING;
  /** Of the route's changes. */
  private texts = NO_TEXTS;
  /** Null: clients have no servers of their own. */
  private sticky: StickyAnswer | null = null;
  /** What the request has a part in of that. */
  private stickyPart = NOTHING;
  /** Lines of a server's response. */
  carried = NOTHING;
  /** The Content-Type of that response, as a line. */
  private carriedType = NOTHING;

  constructor(context: Context) {
    this.context = context;
  }

  /** Those of a request that has just come. */
  clear(): void {
    this.carried = NOTHING;
    this.carriedType = NOTHING;
  }

  /** The request is over. */
  release(): void {
    this.texts = NO_TEXTS;
    this.sticky = null;
  }

  /** What the route adds to answers to the request in the view. False: that is too long. */
  render(route: Route, sticky: StickyAnswer | null, view: RequestView): boolean {
    const { changes, responseEdit, successEdit } = route;
    this.sticky = sticky;
    if (sticky !== null) this.stickyPart = sticky.render(view);
    const lines = linesFor(this.context, responseEdit, view);
    const successLines = successEdit === responseEdit ? lines : linesFor(this.context, successEdit, view);
    if (lines === null || successLines === null) return false;
    this.lines = lines;
    this.successLines = successLines;
    if (changes !== null) this.texts = changes.render(view);
    return true;
  }

  /** A response with this head is answered elsewhere: what the route says of it stays. */
  carry(head: ResponseHead, edit: HeaderEdit): void {
    const { memory } = this.context;
    this.carried = keptLines(memory, head, edit);
    this.carriedType = typeLine(memory, head);
  }

  /** The same of a response that asks who the client is. */
  carryChallenge(head: ResponseHead): void {
    this.carried = challengeOf(this.context.memory, head);
  }

  /**
   * The lines for a response with this head, and takes out of it what comes with them. `edit`: which of the route's two it is for. Null: they
   * are too long.
   */
  apply(route: Route, head: ResponseHead, edit: HeaderEdit, placed: Placed): Uint8Array | null {
    const { memory, responseValues } = this.context;
    let lines = edit === route.responseEdit ? this.lines : this.successLines;
    if (this.carriedType.length > 0 && route.isOfFiles && isSuccess(head.status)) {
      takeOut(memory, head, CONTENT_TYPE);
      lines = joined(lines, this.carriedType);
    }
    if (this.carried.length > 0) {
      lines = joined(lines, this.carried);
      if (lines.length > RESPONSE_EDIT_BYTES_MAX) return null;
    }
    const { changes } = route;
    const all = changes === null ? lines : changes.apply(memory, head, edit, lines, this.texts, placed, responseValues);
    if (all === null || this.sticky === null) return all;
    return this.sticky.answer(all, this.stickyPart, memory, head, placed, this.context.wallClockMs());
  }

  /** The lines for an error of the proxy's own with this status. */
  ofError({ changes }: Route, status: number, told: Told): Uint8Array {
    const lines = joined(withoutOwn(this.lines), this.carried);
    if (changes === null) return lines;
    return changes.answer(lines, status, this.texts, told, this.context.responseValues) ?? NOTHING;
  }
}

/**
 * Compression of one exchange's response: by the rule of its route, what its client takes, and whether a stream is free just now. Only exchanges
 * whose route has a rule have one.
 */
import { RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import type { CodingName } from '../../config/plan/response.ts';
import type { CompressionRule, Wish } from '../../core/compress/rule.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import { CompressedBody, type CompressedBodyOwner, UNTOLD } from './compressed-body.ts';
import { compressedLines, variedLines } from './compressed-head.ts';
import type { HeaderEdit } from './header-edit.ts';
import { takeOut } from './response-lines.ts';
import type { BodySink, ClientSide } from './sides.ts';

/** What a compressed response says besides: how it is compressed, Vary, and that its entity tag is weak. */
const LINES_BYTES_MAX = 64;
const CONTENT_LENGTH = ascii('content-length');

export class ResponseCompression {
  private readonly context: Context;
  private readonly owner: CompressedBodyOwner;
  private ruleOrNull: CompressionRule | null = null;
  private readonly wish: Wish = { coding: -1, isProxied: false, hasCredentials: false };
  /** What the response's body goes through; null: nothing. */
  body: CompressedBody | null = null;

  constructor(context: Context, owner: CompressedBodyOwner) {
    this.context = context;
    this.owner = owner;
  }

  /** The response to the request in the view is to be compressed by this rule. */
  ask(rule: CompressionRule, { bytes, head }: RequestView): this {
    this.ruleOrNull = rule;
    rule.ask(bytes, head, this.wish);
    return this;
  }

  /** Begins the response with this head for the client, as ClientSide.beginResponse: compressed, if the rule is for it. `sink`: the client's, or what is in front. */
  begin(
    client: ClientSide,
    sink: BodySink,
    head: ResponseHead,
    edit: HeaderEdit,
    lines: Uint8Array,
    body: number,
    isReusable: boolean,
  ): void {
    const { memory } = this.context;
    const rule = this.ruleOrNull as CompressionRule;
    if (!rule.isFor(memory, head)) {
      client.beginResponse(head, edit, lines, body, isReusable);
      return;
    }
    const varied = rule.saysVary ? variedLines(memory, head, lines) : lines;
    const coding = this.codingFor(rule, head, varied, body);
    if (coding === null) {
      client.beginResponse(head, edit, varied.length <= RESPONSE_EDIT_BYTES_MAX ? varied : lines, body, isReusable);
      return;
    }
    const all = compressedLines(memory, head, edit, varied, coding);
    if (body === BODY_NONE) {
      takeOut(memory, head, CONTENT_LENGTH);
      head.hasOddLength = false;
      client.beginResponse(head, edit, all, body, isReusable);
      return;
    }
    const { arena, compressors } = this.context;
    const bytes = body === BODY_LENGTH ? head.contentLength : UNTOLD;
    this.body = new CompressedBody(arena, compressors, coding, rule.level, sink, this.owner, bytes);
    client.beginResponse(head, edit, all, BODY_UNTIL_CLOSE, isReusable);
  }

  /** Null: it is not compressed for this client, or just now. */
  private codingFor(rule: CompressionRule, head: ResponseHead, lines: Uint8Array, body: number): CodingName | null {
    const { compressors, memory, wallClockMs } = this.context;
    const { wish } = this;
    if (wish.coding < 0 || (wish.isProxied && !rule.isForProxy(memory, head, wish, wallClockMs()))) return null;
    if (lines.length + LINES_BYTES_MAX > RESPONSE_EDIT_BYTES_MAX) return null;
    const { name } = rule.codings[wish.coding];
    return body === BODY_NONE || compressors.enter(name) ? name : null;
  }

  /** The response is over, or is for nobody. */
  end(): void {
    if (this.body !== null) this.body.release();
    this.body = null;
  }
}

/** What a route sends to servers in place of what its clients sent, prepared. Routes that say nothing of it have none of this. */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { SendPlan } from '../../config/plan/route.ts';
import { isIdempotent } from '../../core/retry.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Template } from '../../core/value/template.ts';
import { ascii, emitBytes, emitContentLength, emitCrlf } from '../../wire/http1/emit.ts';
import { METHOD_HEAD } from '../../wire/http1/head.ts';
import { methodOf } from '../../wire/http1/request.ts';

/** `Content-Length: 4294967295 CR LF` */
const LENGTH_BYTES_MAX = 30;
const SPACE = ascii(' ');

const draft = new Uint8Array(HEAD_SLOT_BYTES);

export class SentRequest {
  /** The request may be repeated, as far as this method says so. */
  readonly isIdempotent: boolean;
  readonly dropsFields: boolean;
  /** Of the client's. */
  readonly dropsBody: boolean;
  /** It says which method. */
  readonly setsMethod: boolean;
  /** Null: the client's. */
  private readonly method: Uint8Array | null;
  private readonly text: Template | null;

  constructor({ method, dropsFields, dropsBody, text }: SendPlan) {
    this.setsMethod = method !== null;
    this.method = method === null ? null : ascii(method);
    this.isIdempotent = this.method === null || isIdempotent(methodOf(this.method, 0, this.method.length));
    this.dropsFields = dropsFields;
    this.dropsBody = dropsBody;
    this.text = text === null ? null : new Template(text, encodeUtf8);
  }

  /** At most so many bytes more than without it. */
  bound(view: RequestView): number {
    const text = this.text === null ? 0 : this.text.bound(view) + LENGTH_BYTES_MAX;
    return text + (this.method === null ? 0 : this.method.length);
  }

  /** Writes the method with the space behind it. */
  emitMethod({ head, bytes }: RequestView, out: Uint8Array, at: number): number {
    const { method } = this;
    if (method === null || head.method === METHOD_HEAD)
      return emitBytes(out, at, bytes, head.start, head.methodLength + 1);
    return emitBytes(out, emitBytes(out, at, method, 0, method.length), SPACE, 0, 1);
  }

  /** Writes the end of the head, and the body if it is this one's. */
  emitEnd(view: RequestView, out: Uint8Array, at: number): number {
    if (this.text === null) return emitCrlf(out, at);
    const length = Math.max(0, this.text.emitAsIs(view, draft, 0));
    return emitBytes(out, emitCrlf(out, emitContentLength(out, at, length)), draft, 0, length);
  }
}

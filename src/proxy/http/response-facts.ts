/** The values that are known when a response comes, of the one that is looked at. */
import type { LateValue, LateValues } from '../../core/value/late.ts';
import { findField } from '../../core/value/lookup.ts';
import type { ResponseValues } from '../../core/value/response-values.ts';
import type { Span } from '../../core/value/span.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { RequestRecord } from './request-record.ts';
import { NEVER } from './trail.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** What there is to tell of a request. */
export type Told = Pick<RequestRecord, 'trail' | 'requestBody'>;

export class ResponseFacts implements LateValues {
  /** Null: it is an answer of the proxy's own. */
  protected head: ResponseHead | null = null;
  protected bytes: Uint8Array = NOTHING;
  protected status = 0;
  protected values: ResponseValues | null = null;
  private told: Told | null = null;

  /** The response with this head, which stands in `bytes`. `told`: of the request, and its tries. */
  lookAt(bytes: Uint8Array, head: ResponseHead | null, status: number, told: Told, values: ResponseValues): void {
    this.bytes = bytes;
    this.head = head;
    this.status = status;
    this.told = told;
    this.values = values;
  }

  find({ kind, lower, name }: LateValue, into: Span): void {
    if (kind === 'value') return (this.values as ResponseValues).find(name, this, into);
    if (kind === 'date') return (this.values as ResponseValues).findDate(name, into);
    if (kind === 'response') {
      if (this.head === null) into.clear();
      else findField(this.bytes, this.head, lower, 0, into);
      return;
    }
    const text = this.textOf(kind);
    into.set(text, 0, text.length);
  }

  private textOf(kind: LateValue['kind']): Uint8Array {
    const { told } = this;
    if (kind === 'request-body') return told?.requestBody ?? NOTHING;
    return ascii(kind === 'status' ? String(this.status) : (told?.trail.textOf(kind, NEVER) ?? ''));
  }
}

/** The identifier of a request: what finds it in the logs of everybody who had it. Unique, not secret. */
import type { Prng } from '../../base/prng.ts';
import { onlyFieldWithId } from '../../core/value/lookup.ts';
import type { RequestIdentifier, RequestView } from '../../core/value/request-view.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { FIELD_VALUE, FIELD_VALUE_LENGTH, FIELD_WORDS, F_X_REQUEST_ID } from '../../wire/http1/head.ts';

/** Of one of ours: 128 random bits in hexadecimal. */
export const REQUEST_ID_BYTES = 32;
/** Of a trusted proxy's. */
export const REQUEST_ID_BYTES_MAX = 128;

const HEX = ascii('0123456789abcdef');
/** What others make identifiers of: UUIDs, base64, AWS's `Root=1-...;Self=...`. Nothing that could end a log's field. */
const ALLOWED = new Uint8Array(256);
for (const byte of ascii('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.~:;+/=@')) ALLOWED[byte] = 1;

/** Whether these bytes may pass as an identifier. */
export function isRequestId(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 0 || length > REQUEST_ID_BYTES_MAX) return false;
  for (let i = at; i < at + length; i++) if (ALLOWED[bytes[i]] === 0) return false;
  return true;
}

/** Writes a new one at `at` and returns the offset behind it. */
export function emitRequestId(out: Uint8Array, at: number, prng: Prng): number {
  for (let word = 0; word < 4; word++) {
    const random = prng.nextU32();
    for (let shift = 28; shift >= 0; shift -= 4) out[at++] = HEX[(random >>> shift) & 15];
  }
  return at;
}

export class RequestIds implements RequestIdentifier {
  private readonly prng: Prng;
  private readonly own = new Uint8Array(REQUEST_ID_BYTES);

  constructor(prng: Prng) {
    this.prng = prng;
  }

  identify(view: RequestView): void {
    if (this.take(view)) return;
    view.requestIdBytes = this.make();
    view.requestId = 0;
    view.requestIdLength = REQUEST_ID_BYTES;
  }

  /** Leaves a trusted proxy's identifier in the view. False: there is none, or none that could pass as one. */
  take(view: RequestView): boolean {
    const { head, isTrusted, bytes } = view;
    const field = isTrusted ? onlyFieldWithId(head, F_X_REQUEST_ID) : -1;
    if (field < 0) return false;
    view.requestIdBytes = bytes;
    view.requestId = head.fields[field * FIELD_WORDS + FIELD_VALUE];
    view.requestIdLength = head.fields[field * FIELD_WORDS + FIELD_VALUE_LENGTH];
    return isRequestId(bytes, view.requestId, view.requestIdLength);
  }

  /** A new one: valid until the next. */
  make(): Uint8Array {
    emitRequestId(this.own, 0, this.prng);
    return this.own;
  }
}

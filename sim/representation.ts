/**
 * What servers say of a response that compression goes by, and what must become of it then. Shares no line with `src/core/compress`.
 */
import { RESPONSE_EDIT_BYTES_MAX } from '../src/base/limits.ts';
import type { CompressPlan } from '../src/config/plan/response.ts';
import type { ListenerPlan } from '../src/config/plan/listener.ts';
import type { ResponseSpec } from './response.ts';
import { takesGzip } from './scenario-compress.ts';
import type { RequestSpec } from './scenario-http.ts';

const STATUSES: ReadonlySet<number> = new Set([200, 403, 404]);

/** With what is not true of one that is compressed. */
export function representationLines({ variant }: ResponseSpec): string[] {
  const type = typeOf(variant);
  return [
    ...(type === null ? [] : [`Content-Type: ${type}`]),
    ...(isAsItIs(variant) ? ['Cache-Control: max-age=1, no-transform'] : []),
    ...(variant % 2 === 0 ? [`ETag: ${tagOf(variant)}`, 'Accept-Ranges: bytes'] : []),
  ];
}

/** Null: it has none. */
export function entityTag({ variant }: ResponseSpec): string | null {
  return variant % 2 === 0 ? tagOf(variant) : null;
}

function tagOf(variant: number): string {
  return variant % 4 === 0 ? `"v${variant}"` : `W/"v${variant}"`;
}

function typeOf(variant: number): string | null {
  return ['text/plain; charset=utf-8', 'text/plain', 'Text/HTML', 'image/png', null][(variant % 11) % 5];
}

function isAsItIs(variant: number): boolean {
  return variant % 13 === 0;
}

/** `varies`: other clients get it compressed. `may` where only the proxy knows, or an edit is so long that it may be left. */
type Fate = 'as-it-is' | 'may-be-compressed' | 'varies' | 'compressed';

export function fateOf({ compress }: ListenerPlan, request: RequestSpec, response: ResponseSpec): Fate {
  if (compress === undefined || !isFor(compress, request, response)) return 'as-it-is';
  if (request.method === 'HEAD' || hasLongEdit(request)) return takes(request) ? 'may-be-compressed' : 'as-it-is';
  return takes(request) ? 'compressed' : 'varies';
}

function isFor(compress: CompressPlan, { method }: RequestSpec, { body, status, variant }: ResponseSpec): boolean {
  const type = typeOf(variant)?.split(';')[0].toLowerCase();
  if (!STATUSES.has(status) || type === undefined || isAsItIs(variant)) return false;
  if (!compress.types.includes('*') && !compress.types.includes(type)) return false;
  // an answer to HEAD need not say how long one to GET would be, nor that it would have trailers
  if (method === 'HEAD') return true;
  if (body.kind === 'chunked') return body.trailerBytes === 0;
  return body.kind !== 'length' || body.bytes >= compress.minBytes;
}

function takes({ fields, version }: RequestSpec): boolean {
  return version === 11 && fields.some(([name, value]) => name === 'Accept-Encoding' && takesGzip(value));
}

function hasLongEdit({ expect }: RequestSpec): boolean {
  if (expect.kind !== 'proxy') return true;
  const { add, set } = expect.route.responseHeaders;
  return [...add, ...set].join('').length > RESPONSE_EDIT_BYTES_MAX / 2;
}

/** The cookie that tells a client which server it belongs to, as a line of a response (RFC 6265 section 4.1). */
import { HTTP_DATE_BYTES, writeHttpDate } from '../../base/date-text.ts';
import { RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { StickyCookiePlan } from '../../config/plan/upstream.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Source } from '../../core/value/source.ts';
import { Span } from '../../core/value/span.ts';
import { Template } from '../../core/value/template.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import { emitCrlf, emitFragment } from '../../wire/http1/emit.ts';
import { ascii } from '../../wire/http1/classes.ts';
import type { Server } from '../server.ts';
import type { StickyAnswer, StickyPlaced } from './sticky-answer.ts';

/** A longer domain is none. */
const VALUE_BYTES_MAX = 256;
/** Sent for ten years, which is for ever, as nginx does. */
const FOR_EVER_S = 315_360_000;
const FOR_EVER = ascii(`; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=${FOR_EVER_S}`);

const DOMAIN = ascii('; domain=');
const SAME_SITE = ascii('; samesite=');
const SECURE = ascii('; secure');
const HTTPS = ascii('https');
const STRICT = ascii('strict');
const SAME_SITES = ['strict', 'lax', 'none'].map(ascii);
const NOTHING = new Uint8Array(0);
const MAX_BYTES = 2 * VALUE_BYTES_MAX + DOMAIN.length + SAME_SITE.length + SECURE.length;

const value = new Uint8Array(VALUE_BYTES_MAX);
const written = new Uint8Array(MAX_BYTES);
const said = new Span();
const date = new Uint8Array(HTTP_DATE_BYTES);

export class StickyCookie implements StickyAnswer {
  private readonly plan: StickyCookiePlan;
  private readonly name: Uint8Array;
  private readonly scheme = Source.of({ kind: 'scheme', name: null });
  private readonly domain: Template | null;
  private readonly sameSite: Template | null;
  /** Path and HttpOnly. */
  private readonly fixed: Uint8Array;
  /** What was rendered last: most requests have the same. */
  private last = NOTHING;
  /** How long it is kept, as it was said in this second. */
  private term: Uint8Array = NOTHING;
  private termAtS = -1;

  constructor(plan: StickyCookiePlan) {
    this.plan = plan;
    this.name = ascii(`Set-Cookie: ${plan.name}=`);
    this.domain = plan.domain === '' ? null : new Template(plan.domain, encodeUtf8);
    this.sameSite = plan.sameSite === '' ? null : new Template(plan.sameSite, encodeUtf8);
    this.fixed = encodeUtf8(`${plan.path === '' ? '' : `; path=${plan.path}`}${plan.isHttpOnly ? '; httponly' : ''}`);
  }

  /** The attributes that the request in the view has a part in: the same array as long as they are the same. */
  render(view: RequestView): Uint8Array {
    let at = 0;
    if (this.isSecureFor(view)) at = emitFragment(written, at, SECURE);
    if (this.domain !== null) at = emitValue(DOMAIN, this.domain, view, at);
    if (this.sameSite !== null) at = emitSameSite(this.sameSite, view, at);
    if (!this.isLast(at)) this.last = written.slice(0, at);
    return this.last;
  }

  private isLast(length: number): boolean {
    const { last } = this;
    if (length !== last.length) return false;
    for (let i = 0; i < length; i++) if (written[i] !== last[i]) return false;
    return true;
  }

  private isSecureFor(view: RequestView): boolean {
    if (this.plan.secure !== 'auto') return this.plan.secure;
    this.scheme.find(view, said);
    return said.is(HTTPS);
  }

  /** With the line that says which server the client belongs to, unless it knows that. */
  answer(
    lines: Uint8Array,
    rendered: Uint8Array,
    _memory: Uint8Array,
    _head: ResponseHead,
    { isBound, server }: StickyPlaced,
    nowMs: number,
  ): Uint8Array {
    const { stickyId } = server as Server;
    if ((isBound && !this.plan.isSaidAlways) || stickyId.length === 0) return lines;
    const all = this.addTo(lines, stickyId, rendered, nowMs);
    return all.length > RESPONSE_EDIT_BYTES_MAX ? lines : all;
  }

  /** `lines` with one that says this identifier of a server. `nowMs`: since 1970. */
  addTo(lines: Uint8Array, id: Uint8Array, attributes: Uint8Array, nowMs: number): Uint8Array {
    const { fixed, name } = this;
    const term = this.termAt(nowMs);
    const length = lines.length + name.length + id.length + term.length + fixed.length + attributes.length + 2;
    const out = new Uint8Array(length);
    let at = emitFragment(out, emitFragment(out, emitFragment(out, 0, lines), name), id);
    at = emitFragment(out, emitFragment(out, emitFragment(out, at, term), fixed), attributes);
    emitCrlf(out, at);
    return out;
  }

  private termAt(nowMs: number): Uint8Array {
    const { maxAgeS } = this.plan;
    if (maxAgeS === null) return NOTHING;
    if (maxAgeS >= FOR_EVER_S) return FOR_EVER;
    const nowS = Math.floor(nowMs / 1000);
    if (nowS === this.termAtS) return this.term;
    writeHttpDate(date, nowMs + maxAgeS * 1000);
    this.term = ascii(`; expires=${cookieDate()}; max-age=${maxAgeS}`);
    this.termAtS = nowS;
    return this.term;
  }
}

/** As Netscape wrote dates of cookies, and nginx does. */
function cookieDate(): string {
  const text = String.fromCharCode(...date);
  return `${text.slice(0, 7)}-${text.slice(8, 11)}-${text.slice(14, 16)}${text.slice(16)}`;
}

function emitValue(key: Uint8Array, template: Template, view: RequestView, at: number): number {
  const start = emitFragment(written, at, key);
  const end = template.emitInField(view, written, start, start + VALUE_BYTES_MAX);
  // an attribute that says nothing is not there, nor one that would end before its time
  const isOne = end > start && !written.subarray(start, end).includes(0x3b);
  return isOne ? end : at;
}

function emitSameSite(template: Template, view: RequestView, at: number): number {
  template.read(view, value, said);
  if (said.length === 0) return at;
  const known = SAME_SITES.find((one) => said.is(one)) ?? STRICT;
  return emitFragment(written, emitFragment(written, at, SAME_SITE), known);
}

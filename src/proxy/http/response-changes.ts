/**
 * What a route changes in a response by what is in it: values that only the response knows, fields whose value is replaced, attributes
 * of cookies. Routes without such changes have none of this. A changed field is taken out of the head, and comes with the lines that
 * the route adds.
 */
import { HEAD_BYTES_MAX, RESPOND_BODY_BYTES_MAX, RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import type { CookieFlagsPlan, HeaderEditPlan } from '../../config/plan/response.ts';
import { expandLines, expandText, hasMarks } from '../../core/value/late.ts';
import type { ResponseValues } from '../../core/value/response-values.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { ascii, emitBytes, emitCrlf, emitFragment } from '../../wire/http1/emit.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_KEEP_ALIVE,
  type ResponseHead,
} from '../../wire/http1/head.ts';
import { Cookie } from './cookie.ts';
import { CookieFlags } from './cookie-flags.ts';
import type { HeaderEdit } from './header-edit.ts';
import { ExpiryRule } from './expiry-rule.ts';
import { takeOut } from './response-lines.ts';
import { isSuccess } from './success.ts';
import { DECLINED, NO_ROOM, Replacement, type RuleTexts } from './replacement.ts';
import { ResponseFacts, type Told } from './response-facts.ts';

const SET_COOKIE = ascii('set-cookie');
const REFRESH = ascii('refresh');
/** Behind it is the address in a Refresh field. */
const URL = ascii('url=');
const CAPITAL_URL = ascii('URL=');
const SEPARATOR = ascii('; ');
const COLON = ascii(': ');
const EQUALS = 0x3d;
const NOTHING: Uint8Array = new Uint8Array(0);

const out = new Uint8Array(HEAD_BYTES_MAX + RESPONSE_EDIT_BYTES_MAX);
const cookie = new Cookie();
const span = new Span();

/** The texts of its rules for one request. */
export type ResponseTexts = readonly RuleTexts[];

export class ResponseChanges extends ResponseFacts {
  private readonly rules: readonly Replacement[];
  private readonly flags: readonly CookieFlags[];
  private readonly expiry: ExpiryRule | null;
  /** What has texts for a request: the rules, and that of the expiry. */
  private readonly rendered: readonly Pick<Replacement, 'render'>[];
  private readonly hasLateLines: boolean;
  /** By the lengths of names modulo 32: whether a rule may be for such a field. */
  private readonly nameLengths: number = 0;
  private lastTexts: RuleTexts[] = [];
  private readonly hasCookies: boolean;

  /** `edits`: what the route may change in a response. `hasLateBody`: its own answer says something of it. Null: nothing by what is in it. */
  static of(plan: HeaderEditPlan, edits: readonly HeaderEdit[], hasLateBody: boolean): ResponseChanges | null {
    const { replace = [], cookieFlags = [], expires } = plan;
    const changesFields = replace.length > 0 || cookieFlags.length > 0 || expires !== undefined;
    const isNothing = !changesFields && !hasLateBody && edits.every(({ isLate }) => !isLate);
    return isNothing ? null : new ResponseChanges(plan, edits);
  }

  private constructor({ replace = [], cookieFlags = [], expires }: HeaderEditPlan, edits: readonly HeaderEdit[]) {
    super();
    this.rules = replace.map((rule) => new Replacement(rule));
    this.expiry = expires === undefined ? null : new ExpiryRule(expires);
    this.rendered = this.expiry === null ? this.rules : [...this.rules, this.expiry];
    this.flags = cookieFlags.map((flags: CookieFlagsPlan) => new CookieFlags(flags));
    this.hasLateLines = edits.some(({ isLate }) => isLate);
    this.hasCookies = this.flags.length > 0 || this.rules.some(({ attribute }) => attribute !== null);
    const names = this.hasCookies
      ? [SET_COOKIE, ...this.rules.map(({ field }) => field)]
      : this.rules.map(({ field }) => field);
    for (const { length } of names) this.nameLengths |= 1 << (length & 31);
  }

  /** For the request in the view: the same list as long as it is the same. */
  render(view: RequestView): ResponseTexts {
    const { rendered } = this;
    for (let i = 0; i < rendered.length; i++) {
      const texts = rendered[i].render(view);
      if (texts === this.lastTexts[i]) continue;
      if (this.lastTexts.length < rendered.length) this.lastTexts = rendered.map((rule) => rule.render(view));
      else this.lastTexts = this.lastTexts.with(i, texts);
    }
    return this.lastTexts;
  }

  /**
   * What is added to the response whose head this is, in place of `lines`. Null: it is too long. Takes fields out of the head that
   * come with these lines. `edit`: what the route takes out itself.
   */
  apply(
    bytes: Uint8Array,
    head: ResponseHead,
    edit: HeaderEdit,
    lines: Uint8Array,
    texts: ResponseTexts,
    told: Told,
    values: ResponseValues,
  ): Uint8Array | null {
    this.lookAt(bytes, head, head.status, told, values);
    let at = 0;
    /** Bytes of the fields that are taken out. */
    let taken = 0;
    if (this.rules.length > 0 || this.flags.length > 0) {
      const { fields, fieldCount } = head;
      for (let word = 0; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
        const nameLength = fields[word + FIELD_NAME_LENGTH];
        if ((this.nameLengths & (1 << (nameLength & 31))) === 0) continue;
        const name = fields[word + FIELD_NAME];
        if (edit.drops(bytes, name, nameLength)) continue;
        let end = emitFragment(out, emitBytes(out, at, bytes, name, nameLength), COLON);
        end = this.change(word, texts, end);
        if (end === NO_ROOM) return null;
        if (end === DECLINED) continue;
        at = emitCrlf(out, end);
        taken += nameLength + COLON.length + fields[word + FIELD_VALUE_LENGTH] + 2;
        // a field that never goes on
        fields[word + FIELD_ID] = F_KEEP_ALIVE;
      }
    }
    const before = at;
    at = this.addExpiry(texts, at);
    if (at > before)
      for (const name of ExpiryRule.fields) if (!edit.dropsName(name)) taken += takeOut(bytes, head, name);
    if (at === 0 && !this.hasLateLines) return lines;
    at = this.addLines(lines, at);
    return at < 0 || at - taken > RESPONSE_EDIT_BYTES_MAX ? null : out.slice(0, at);
  }

  /** The lines of an answer of the proxy's own with this status. `told`: of the tries before it. Null: they are too long. */
  answer(
    lines: Uint8Array,
    status: number,
    texts: ResponseTexts,
    told: Told,
    values: ResponseValues,
  ): Uint8Array | null {
    this.lookAt(NOTHING, null, status, told, values);
    const end = this.addLines(lines, this.addExpiry(texts, 0));
    return end < 0 || end > RESPONSE_EDIT_BYTES_MAX ? null : out.slice(0, end);
  }

  /** The same for its body. Null: it is too long. */
  body(text: Uint8Array, status: number, told: Told, values: ResponseValues): Uint8Array | null {
    this.lookAt(NOTHING, null, status, told, values);
    const end = expandText(text, 0, text.length, this, span, out, 0, RESPOND_BODY_BYTES_MAX);
    return end < 0 ? null : out.slice(0, end);
  }

  private addExpiry(texts: ResponseTexts, at: number): number {
    const { bytes, expiry, head, rules, status, values } = this;
    if (expiry === null || !isSuccess(status)) return at;
    const { now } = values as ResponseValues;
    return expiry.write(texts[rules.length], this, bytes, head, now, out, at);
  }

  private addLines(lines: Uint8Array, at: number): number {
    if (this.hasLateLines && hasMarks(lines)) return expandLines(lines, this, span, out, at, out.length);
    return at + lines.length > out.length ? NO_ROOM : emitFragment(out, at, lines);
  }

  /** Writes the new value of a field at `at`. */
  private change(word: number, texts: ResponseTexts, at: number): number {
    const { bytes } = this;
    const { fields } = this.head as ResponseHead;
    const name = fields[word + FIELD_NAME];
    const nameLength = fields[word + FIELD_NAME_LENGTH];
    const value = fields[word + FIELD_VALUE];
    const length = fields[word + FIELD_VALUE_LENGTH];
    if (this.hasCookies && equalsIgnoringCase(bytes, name, nameLength, SET_COOKIE)) {
      return this.changeCookie(value, length, texts, at);
    }
    const isRefresh = equalsIgnoringCase(bytes, name, nameLength, REFRESH);
    const skipped = isRefresh ? behindUrl(bytes, value, length) : 0;
    const start = emitBytes(out, at, bytes, value, skipped);
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i];
      if (rule.attribute !== null || !equalsIgnoringCase(bytes, name, nameLength, rule.field)) continue;
      const end = rule.replace(texts[i], this, bytes, value + skipped, length - skipped, out, start, out.length);
      if (end !== DECLINED) return end;
    }
    return DECLINED;
  }

  private changeCookie(value: number, length: number, texts: ResponseTexts, at: number): number {
    const { bytes } = this;
    if (!cookie.read(bytes, value, length)) return DECLINED;
    const flags = this.flags.find((one) => one.isFor(bytes, cookie)) ?? null;
    let isChanged = flags?.begin(bytes, cookie) === true;
    for (let part = 0; part < cookie.count; part++) {
      if (flags?.removes(part) === true) continue;
      if (part > 0) at = emitFragment(out, at, SEPARATOR);
      const key = cookie.keyAt[part];
      const keyLength = cookie.keyEnd[part] - key;
      at = emitBytes(out, at, bytes, key, keyLength);
      const partValue = cookie.valueAt[part];
      if (partValue < 0 && flags?.replaces(part) !== true) continue;
      out[at++] = EQUALS;
      if (flags?.replaces(part) === true) {
        at = flags.writeSameSite(out, at);
        continue;
      }
      const partLength = cookie.valueEnd[part] - partValue;
      const end = part === 0 ? DECLINED : this.changeAttribute(key, keyLength, partValue, partLength, texts, at);
      if (end === NO_ROOM) return NO_ROOM;
      if (end === DECLINED) at = emitBytes(out, at, bytes, partValue, partLength);
      else {
        at = end;
        isChanged = true;
      }
    }
    if (!isChanged) return DECLINED;
    return flags === null ? at : flags.writeMissing(out, at);
  }

  private changeAttribute(
    key: number,
    keyLength: number,
    value: number,
    length: number,
    texts: ResponseTexts,
    at: number,
  ): number {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i];
      if (rule.attribute === null || !equalsIgnoringCase(this.bytes, key, keyLength, rule.attribute)) continue;
      const end = rule.replace(texts[i], this, this.bytes, value, length, out, at, out.length);
      if (end !== DECLINED) return end;
    }
    return DECLINED;
  }
}

/** Where the address begins in a Refresh field; 0: it has none, and all of it is one. */
function behindUrl(bytes: Uint8Array, at: number, length: number): number {
  for (let i = 0; i + URL.length <= length; i++) {
    let k = 0;
    while (k < URL.length && (bytes[at + i + k] === URL[k] || bytes[at + i + k] === CAPITAL_URL[k])) k++;
    if (k === URL.length) return i + k;
  }
  return 0;
}

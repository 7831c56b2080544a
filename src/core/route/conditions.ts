/** What a route asks of a request besides host and path: method, header fields, query parameters. All must hold. */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { Regex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { MatchPlan, ValueMatchPlan } from '../../config/plan.ts';
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import {
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  METHOD_CONNECT,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OPTIONS,
  METHOD_OTHER,
  METHOD_PATCH,
  METHOD_POST,
  METHOD_PUT,
  METHOD_TRACE,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { QueryCursor, decodeInto, skipDecoded } from './query.ts';

const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['GET', METHOD_GET],
  ['HEAD', METHOD_HEAD],
  ['POST', METHOD_POST],
  ['PUT', METHOD_PUT],
  ['DELETE', METHOD_DELETE],
  ['OPTIONS', METHOD_OPTIONS],
  ['TRACE', METHOD_TRACE],
  ['CONNECT', METHOD_CONNECT],
  ['PATCH', METHOD_PATCH],
]);

const PRESENT = 0;
const ABSENT = 1;
const EXACT = 2;
const PREFIX = 3;
const REGEX = 4;
const KINDS = { present: PRESENT, absent: ABSENT, exact: EXACT, prefix: PREFIX, regex: REGEX } as const;

const cursor = new QueryCursor();
const decoded = new Uint8Array(HEAD_BYTES_MAX);

export class Conditions {
  /** Bits by METHOD_ number; METHOD_OTHER's stands for `otherMethods`. 0: any method. */
  private readonly methods: number;
  private readonly otherMethods: readonly Uint8Array[];
  private readonly headers: readonly ValueCondition[];
  private readonly query: readonly ValueCondition[];

  private constructor(match: MatchPlan) {
    let methods = 0;
    const others: Uint8Array[] = [];
    for (const method of match.methods) {
      const number = METHOD_NUMBERS.get(method) ?? METHOD_OTHER;
      methods |= 1 << number;
      if (number === METHOD_OTHER) others.push(encodeUtf8(method));
    }
    this.methods = methods;
    this.otherMethods = others;
    this.headers = match.headers.map((one) => new ValueCondition(one));
    this.query = match.query.map((one) => new ValueCondition(one));
  }

  /** Null: there are none. */
  static of(match: MatchPlan): Conditions | null {
    const count = match.methods.length + match.headers.length + match.query.length;
    return count > 0 ? new Conditions(match) : null;
  }

  hold(bytes: Uint8Array, head: RequestHead): boolean {
    if (this.methods !== 0 && !this.isMethodAllowed(bytes, head)) return false;
    for (let i = 0; i < this.headers.length; i++) {
      if (!this.headers[i].holdsForHeaders(bytes, head)) return false;
    }
    for (let i = 0; i < this.query.length; i++) {
      if (!this.query[i].holdsForQuery(bytes, head)) return false;
    }
    return true;
  }

  private isMethodAllowed(bytes: Uint8Array, head: RequestHead): boolean {
    if ((this.methods & (1 << head.method)) === 0) return false;
    if (head.method !== METHOD_OTHER) return true;
    for (let i = 0; i < this.otherMethods.length; i++) {
      const name = this.otherMethods[i];
      if (name.length === head.methodLength && startsWith(bytes, head.start, head.methodLength, name)) return true;
    }
    return false;
  }
}

/** One named value. Of several fields or parameters of that name, one that matches is enough; `absent` wants none. */
class ValueCondition {
  private readonly name: Uint8Array;
  private readonly kind: number;
  private readonly value: Uint8Array;
  private readonly regex: Regex | null;

  constructor(plan: ValueMatchPlan) {
    this.name = encodeUtf8(plan.name);
    this.kind = KINDS[plan.kind];
    this.value = encodeUtf8(plan.kind === 'exact' || plan.kind === 'prefix' ? plan.value : '');
    this.regex = plan.kind === 'regex' ? new Regex(plan.value) : null;
  }

  holdsForHeaders(bytes: Uint8Array, head: RequestHead): boolean {
    const { fields } = head;
    const words = head.fieldCount * FIELD_WORDS;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (!equalsIgnoringCase(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], this.name)) continue;
      if (this.kind === ABSENT) return false;
      if (this.isFieldMatch(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH])) return true;
    }
    return this.kind === ABSENT;
  }

  holdsForQuery(bytes: Uint8Array, head: RequestHead): boolean {
    cursor.start(bytes, head.query, head.queryLength);
    while (cursor.move(bytes)) {
      if (skipDecoded(bytes, cursor.name, cursor.nameEnd, this.name) !== cursor.nameEnd) continue;
      if (this.kind === ABSENT) return false;
      if (this.isParameterMatch(bytes, cursor.value, cursor.end)) return true;
    }
    return this.kind === ABSENT;
  }

  private isFieldMatch(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.kind === PRESENT) return true;
    if (this.regex !== null) return this.regex.test(bytes, at, length);
    if (this.kind === EXACT && length !== this.value.length) return false;
    return startsWith(bytes, at, length, this.value);
  }

  private isParameterMatch(bytes: Uint8Array, at: number, end: number): boolean {
    if (this.kind === PRESENT) return true;
    if (this.regex !== null) return this.regex.test(decoded, 0, decodeInto(decoded, bytes, at, end));
    const after = skipDecoded(bytes, at, end, this.value);
    return this.kind === EXACT ? after === end : after >= 0;
  }
}

function startsWith(bytes: Uint8Array, at: number, length: number, expected: Uint8Array): boolean {
  if (length < expected.length) return false;
  for (let i = 0; i < expected.length; i++) {
    if (bytes[at + i] !== expected[i]) return false;
  }
  return true;
}

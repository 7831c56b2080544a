/** What a route asks of a request besides host and path: its method, and values in it. All must hold. */
import { assert } from '../../base/assert.ts';
import { Regex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { MatchPlan, ValueMatchPlan } from '../../config/plan/route.ts';
import {
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
} from '../../wire/http1/head.ts';
import type { RequestView } from '../value/request-view.ts';
import { Source } from '../value/source.ts';
import { Span } from '../value/span.ts';

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

const span = new Span();
const said = new Span();

export class Conditions {
  /** Bits by METHOD_ number; METHOD_OTHER's stands for `otherMethods`. 0: any method. */
  private readonly methods: number;
  private readonly otherMethods: readonly Uint8Array[];
  private readonly values: readonly ValueCondition[];

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
    this.values = match.values.map((one) => new ValueCondition(one));
  }

  /** Null: there are none. */
  static of(match: MatchPlan): Conditions | null {
    return match.methods.length + match.values.length > 0 ? new Conditions(match) : null;
  }

  hold(view: RequestView): boolean {
    if (this.methods !== 0 && !this.isMethodAllowed(view)) return false;
    for (let i = 0; i < this.values.length; i++) {
      if (!this.values[i].holds(view)) return false;
    }
    return true;
  }

  private isMethodAllowed({ bytes, head }: RequestView): boolean {
    if ((this.methods & (1 << head.method)) === 0) return false;
    if (head.method !== METHOD_OTHER) return true;
    span.set(bytes, head.start, head.methodLength);
    for (let i = 0; i < this.otherMethods.length; i++) {
      if (span.is(this.otherMethods[i])) return true;
    }
    return false;
  }
}

/** One value. Of several fields, cookies or parameters of its name, one that matches is enough; `absent` wants none. */
class ValueCondition {
  private readonly source: Source;
  private readonly kind: number;
  private readonly value: Uint8Array;
  private readonly regex: Regex | null;

  constructor(plan: ValueMatchPlan) {
    this.source = Source.of(plan.source);
    assert(!this.source.needsView, 'a route is chosen by the head alone');
    this.kind = KINDS[plan.kind];
    this.value = encodeUtf8(plan.kind === 'exact' || plan.kind === 'prefix' ? plan.value : '');
    this.regex = plan.kind === 'regex' ? new Regex(plan.value) : null;
  }

  holds(view: RequestView): boolean {
    const { source } = this;
    if (source.isDoubtful(view)) view.hasLookalike = true;
    for (let found = source.findFirst(view, span); found; found = source.findNext(view, span)) {
      if (this.kind === ABSENT) return false;
      if (this.isMatch()) return true;
    }
    return this.kind === ABSENT;
  }

  private isMatch(): boolean {
    if (this.kind === PRESENT) return true;
    if (this.regex === null) return this.kind === EXACT ? span.is(this.value) : span.beginsWith(this.value);
    span.decode(said);
    return this.regex.test(said.bytes, said.at, said.length);
  }
}

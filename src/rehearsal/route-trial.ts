/**
 * Why a route is not taken: its conditions one by one, each asked of the request by a table of that condition alone (core/route/table.ts).
 * So they are the same questions as those that all routes together are asked, and there is no second opinion.
 */
import { latin1 } from '../base/text.ts';
import { sourceText } from '../config/words/route-words.ts';
import type { EscapedSlash } from '../config/plan/listener.ts';
import type { MatchPlan, RoutePlan, ValueMatchPlan } from '../config/plan/route.ts';
import { compileRoutes, type RouteTable } from '../core/route/table.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { Source } from '../core/value/source.ts';
import { Span } from '../core/value/span.ts';

const ANYTHING: MatchPlan = { hosts: [], path: null, methods: [], values: [] };
/** Of a value of the request, in an answer. */
const SHOWN_MAX = 80;

export interface Trial {
  /** Every condition holds. */
  readonly holds: boolean;
  /** It is for another host: what else it asks for was not looked at. */
  readonly isOfOtherHost: boolean;
  /** What does not hold; empty: all does. */
  readonly why: string;
}

/** Of one listener. */
export class RouteTrials {
  private readonly escapedSlash: EscapedSlash;
  /** By the condition as text: ten thousand routes have few hosts. */
  private readonly tables = new Map<string, RouteTable>();

  constructor(escapedSlash: EscapedSlash) {
    this.escapedSlash = escapedSlash;
  }

  /** `view`: as it is while a route is looked for. */
  try(plan: RoutePlan, view: RequestView): Trial {
    const { hosts, methods, path, values } = plan.match;
    if (plan.name !== null) return not('only steps that call it take it');
    if (hosts.length > 0 && !this.holds({ hosts }, plan, view)) {
      return { holds: false, isOfOtherHost: true, why: `the host is ${said(hostOf(view))}` };
    }
    if (path !== null && !this.holds({ path }, plan, view))
      return not(`the path is ${said(textOf(Source.normalPath, view))}`);
    if (methods.length > 0 && !this.holds({ methods }, plan, view)) return not(`the method is ${textOf(METHOD, view)}`);
    for (const value of values) if (!this.holds({ values: [value] }, plan, view)) return not(valueWhy(value, view));
    return { holds: true, isOfOtherHost: false, why: '' };
  }

  private holds(part: Partial<MatchPlan>, plan: RoutePlan, view: RequestView): boolean {
    const match = { ...ANYTHING, ...part };
    const key = JSON.stringify(match);
    let table = this.tables.get(key);
    if (table === undefined) {
      table = compileRoutes([{ ...plan, name: null, steps: [], action: { kind: 'close' }, match }], this.escapedSlash);
      this.tables.set(key, table);
    }
    const { hasLookalike } = view;
    const found = table.match(view);
    view.hasLookalike = hasLookalike;
    return found >= 0;
  }
}

const METHOD = Source.of({ kind: 'method', name: null });
const HOST = Source.of({ kind: 'host', name: null });
const span = new Span();
const decoded = new Span();

function not(why: string): Trial {
  return { holds: false, isOfOtherHost: false, why };
}

function hostOf(view: RequestView): string {
  return view.head.hostLength === 0 ? '' : textOf(HOST, view);
}

function textOf(source: Source, view: RequestView): string {
  if (!source.findFirst(view, span)) return '';
  span.decode(decoded);
  return latin1(decoded.bytes, decoded.at, decoded.length);
}

function valueWhy(plan: ValueMatchPlan, view: RequestView): string {
  const source = Source.of(plan.source);
  const what = sourceText(plan.source);
  if (!source.findFirst(view, span)) return `there is no ${what}`;
  return plan.kind === 'absent' ? `there is a ${what}` : `${what} is ${said(textOf(source, view))}`;
}

function said(text: string): string {
  if (text === '') return 'empty';
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

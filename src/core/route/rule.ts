/** What one route asks of a request, prepared: its hosts and path for the table, the rest as conditions. */
import { Regex } from '../../base/regex/regex.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import { normaliseRule } from '../value/path.ts';
import { Conditions } from './conditions.ts';

const NO_PATH = new Uint8Array(0);

export class Rule {
  /** Each once; `*.x` is every name under x. Empty: any. */
  readonly hosts: readonly string[];
  /** In normal form. Empty: any path, or one that `regex` tells. */
  readonly path: Uint8Array;
  readonly isExact: boolean;
  readonly regex: Regex | null;
  /** Null: nothing besides host and path. */
  readonly conditions: Conditions | null;
  /** The path must be one that can be normalised: a rule is about it, or it is rewritten. */
  readonly needsPath: boolean;
  /** No route behind it is ever taken. */
  readonly takesEverything: boolean;

  /** It is only taken by who calls it. */
  readonly isCalled: boolean;

  constructor({ match, action, steps, name }: RoutePlan) {
    this.isCalled = name !== null;
    const hasSteps = steps.length > 0;
    const { path } = match;
    this.hosts = [...new Set(match.hosts)];
    this.path = path === null || path.kind === 'regex' ? NO_PATH : normaliseRule(path.value);
    this.isExact = path?.kind === 'exact';
    this.regex = path?.kind === 'regex' ? new Regex(path.value) : null;
    this.conditions = Conditions.of(match);
    this.needsPath = path !== null || hasSteps || (action.kind === 'proxy' && action.rewrite !== null);
    this.takesEverything =
      match.hosts.length === 0 && path === null && this.conditions === null && !hasSteps && !this.isCalled;
  }
}

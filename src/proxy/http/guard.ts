/** Who is asked whether a request may go to a route's server, prepared. */
import { encodeUtf8 } from '../../base/text.ts';
import type { GuardPlan, QuestionPlan, RoutePlan } from '../../config/plan/route.ts';
import type { RouteLimits } from '../../core/limit/route-limits.ts';
import { TargetTemplate } from '../../core/route/target-template.ts';
import { markLate } from '../../core/value/late.ts';
import { Template } from '../../core/value/template.ts';

/** One of them: where the question goes, and what is taken from the answer. */
export class Question<R> {
  readonly plan: QuestionPlan;
  /** Set if and only if it goes to a route that is its own. */
  readonly route: R | null;
  /** Set if and only if it goes to a target. */
  readonly target: TargetTemplate | null;
  /** Values that the request has from then on: each with a text in which the answer's have marks. */
  readonly gifts: readonly { readonly name: string; readonly text: Template }[];

  constructor(plan: QuestionPlan, prepare: (plan: RoutePlan) => R) {
    const { set, to } = plan;
    this.plan = plan;
    this.route = to.kind === 'take' ? prepare(to.route) : null;
    this.target = to.kind === 'target' ? new TargetTemplate(to.target) : null;
    this.gifts = set.map(([name, text]) => ({ name, text: new Template(markLate(text), encodeUtf8) }));
  }
}

export class Guard<R> {
  readonly plan: GuardPlan;
  /** In the order in which they are asked. */
  readonly questions: readonly Question<R>[];

  constructor(plan: GuardPlan, prepare: (plan: RoutePlan) => R) {
    this.plan = plan;
    this.questions = plan.questions.map((question) => new Question(question, prepare));
  }
}

/** What a request has to pass before it goes to a route's server: its limits, and then its guard. */
export interface Entry<R> {
  readonly limits: RouteLimits | null;
  readonly guard: Guard<R> | null;
}

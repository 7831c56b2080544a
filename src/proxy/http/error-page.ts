/** What is answered in place of an error: another route, or another target, prepared. */
import { TargetTemplate } from '../../core/route/target-template.ts';
import type { ErrorPagePlan } from '../../config/plan/route.ts';
import type { RoutePlan } from '../../config/plan/route.ts';

export class ErrorPage<R> {
  readonly plan: ErrorPagePlan;
  /** Set if and only if it is to a route that is its own. */
  readonly route: R | null;
  /** Set if and only if it is to a target. */
  readonly target: TargetTemplate | null;

  constructor(plan: ErrorPagePlan, prepare: (plan: RoutePlan) => R) {
    this.plan = plan;
    this.route = plan.to.kind === 'take' ? prepare(plan.to.route) : null;
    this.target = plan.to.kind === 'target' ? new TargetTemplate(plan.to.target) : null;
  }

  /** What the client is told in place of this status; 0: what the page has. */
  statusFor(status: number): number {
    const { answer } = this.plan;
    if (answer === 'own') return 0;
    return answer ?? status;
  }
}

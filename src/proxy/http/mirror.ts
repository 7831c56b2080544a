/** Where copies of a route's requests go, prepared. */
import type { Prng } from '../../base/prng.ts';
import type { MirrorPlan } from '../../config/plan/route.ts';
import { TargetTemplate } from '../../core/route/target-template.ts';

const ALL = 10_000;

export class Mirror {
  readonly plan: MirrorPlan;
  /** Set if and only if they go to a target. */
  readonly target: TargetTemplate | null;

  constructor(plan: MirrorPlan) {
    const { to } = plan;
    this.plan = plan;
    this.target = to.kind === 'target' ? new TargetTemplate(to.target) : null;
  }

  /** One of its share. */
  takes(prng: Prng): boolean {
    const { share } = this.plan;
    return share >= ALL || prng.below(ALL) < share;
  }
}

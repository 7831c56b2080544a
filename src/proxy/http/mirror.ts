/** Where copies of a route's requests go, prepared. */
import type { Prng } from '../../base/prng.ts';
import type { MirrorPlan } from '../../config/plan.ts';
import { TargetTemplate } from '../../core/route/target-template.ts';

const ALL = 10_000;

export class Mirror {
  /** The name of the route that they take; null: the target says which. */
  readonly name: string | null;
  readonly target: TargetTemplate | null;
  readonly takesBody: boolean;
  private readonly share: number;

  constructor({ share, takesBody, to }: MirrorPlan) {
    this.name = to.kind === 'call' ? to.name : null;
    this.target = to.kind === 'target' ? new TargetTemplate(to.target) : null;
    this.takesBody = takesBody;
    this.share = share;
  }

  /** One of its share. */
  takes(prng: Prng): boolean {
    return this.share >= ALL || prng.below(ALL) < this.share;
  }
}

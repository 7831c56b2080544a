/** Tells a FIFO of the roles of a virtual router, as a Notifier tells programs: each change at once, none is left out. */
import type { NotifyPlan } from '../../config/plan/ha.ts';
import type { State } from '../../core/vrrp/states.ts';
import type { RoleChange } from '../../vip/status.ts';
import { KEEPALIVED_STATES, type Role, roleOf } from './notifier.ts';

export class FifoTeller {
  readonly plan: NotifyPlan;
  private readonly write: (path: string, line: string) => void;
  private role: Role = 'stop';

  constructor(plan: NotifyPlan, write: (path: string, line: string) => void) {
    this.plan = plan;
    this.write = write;
  }

  /** What was told already. */
  restore(state: State): void {
    this.role = roleOf(state);
  }

  handleChange(change: RoleChange): void {
    const { fifo, told } = this.plan;
    const role = roleOf(change.to);
    if (role === this.role || fifo === null || told === null) return;
    this.role = role;
    this.write(
      fifo.path,
      `${told.whose} "${told.name}" ${KEEPALIVED_STATES[role]} ${told.priority ?? change.priority}`,
    );
  }
}

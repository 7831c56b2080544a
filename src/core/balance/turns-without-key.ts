/** A method by keys, as nginx has it: what has no key takes its turn. */
import { type Endpoint, type Load, NO_KEY } from './balancer.ts';
import type { Method } from './tier.ts';

export class TurnsWithoutKey implements Method {
  private readonly keyed: Method;
  private readonly turns: Method;

  constructor(keyed: Method, turns: Method) {
    this.keyed = keyed;
    this.turns = turns;
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    this.keyed.update(endpoints, isBackup);
    this.turns.update(endpoints, isBackup);
  }

  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    return (key === NO_KEY ? this.turns : this.keyed).pick(load, key, tried, triedCount);
  }
}

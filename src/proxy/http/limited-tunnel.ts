/** A tunnel whose request counts as one that is under way (core/limit) until it ends. */
import { giveBack, type LimitCounting } from '../../core/limit/route-limits.ts';
import type { RelayTimes } from '../relay.ts';
import type { Tunnel } from './sides.ts';

export class LimitedTunnel implements Tunnel {
  private readonly tunnel: Tunnel;
  private readonly counting: LimitCounting;
  private readonly cells: readonly number[];

  /** `cells`: those that count it, which are this tunnel's from now on. */
  constructor(tunnel: Tunnel, counting: LimitCounting, cells: readonly number[]) {
    this.tunnel = tunnel;
    this.counting = counting;
    this.cells = cells;
  }

  get times(): RelayTimes {
    return this.tunnel.times;
  }

  get retireAt(): number {
    return this.tunnel.retireAt;
  }

  endTunnel(): void {
    giveBack(this.counting, this.cells);
    this.tunnel.endTunnel();
  }
}

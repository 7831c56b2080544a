/** Whether enough of an upstream is up. With hysteresis, a weight that goes to and fro changes nothing. Pure. */

export interface QuorumOptions {
  /** 1 or more. */
  readonly weight: number;
  /** It is there from `weight` + this on, and lost below `weight` - this, or with nothing. */
  readonly hysteresis: number;
}

export class Quorum {
  isMet = false;

  /** `weight`: of what is up, together. */
  judge(weight: number, { weight: wanted, hysteresis }: QuorumOptions): void {
    this.isMet = this.isMet ? weight > 0 && weight >= wanted - hysteresis : weight >= wanted + hysteresis;
  }
}

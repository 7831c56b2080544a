/** Limits on requests and connections, and what counts them. */

/** What is refused, or waits, because there is too much of it. */
export interface LimitsPlan {
  /** In their order. */
  readonly requests: readonly RequestLimitPlan[];
  readonly connections: readonly ConnectionLimitPlan[];
}

export interface LimitPlan {
  /** What is counted together: limits of this name. */
  readonly zone: string;
  /** A template; a request for which it is empty is not counted. Null: the client's address ... */
  readonly key: string | null;
  /** ... of which so many bits count in IPv6. */
  readonly ipv6Bits: number;
  /** What who is refused is answered with. */
  readonly status: number;
  /** Nobody is: it is only noted. */
  readonly isDry: boolean;
}

export interface RequestLimitPlan extends LimitPlan {
  /** Thousandths of a request per second. */
  readonly rate: number;
  /** Requests above the rate that are let in ... */
  readonly burst: number;
  /** ... of which those beyond so many wait until the rate has them. Null: none does. */
  readonly delayAfter: number | null;
}

export interface ConnectionLimitPlan extends LimitPlan {
  readonly max: number;
}

/** TCP keep-alive (tcp(7)): whether a peer that says nothing is still there. */
export interface KeepAlive {
  /** Silence until it is asked, in seconds. 0, here and below: as the system has it. */
  readonly idleS: number;
  /** From one unanswered question to the next, in seconds. */
  readonly intervalS: number;
  /** Questions without an answer after which the connection is broken. */
  readonly probes: number;
}

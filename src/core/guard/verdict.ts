/**
 * Who may enter by what several that are asked say, as nginx decides it in its access phase (`satisfy`): each is asked in its turn, and says it with
 * a status. Nobody enters by an answer that is not understood.
 */

/** The request goes on to its server. */
export const ENTERS = 0;
/** The next one is asked. */
export const ASK_NEXT = -1;
/** Nobody can say. */
export const UNDECIDED = -2;

const UNAUTHORIZED = 401;

export class Verdict {
  /** By whom it was refused so far; 0: by nobody. */
  private refusal = 0;

  /**
   * What follows from an answer with this status; 0: there is none. ENTERS, ASK_NEXT, UNDECIDED, or the status that the client is refused with.
   * `refusals`: statuses that say no. `isAnyEnough`: one yes is enough. `isLast`: nobody is left to ask.
   */
  hear(status: number, refusals: readonly number[], isAnyEnough: boolean, isLast: boolean): number {
    const isYes = status >= 200 && status <= 299;
    if (!isYes && !refusals.includes(status)) return UNDECIDED;
    if (!isAnyEnough) return !isYes ? status : isLast ? ENTERS : ASK_NEXT;
    if (isYes) return ENTERS;
    // who may come with a password is asked for one, whatever else was refused
    if (this.refusal !== UNAUTHORIZED) this.refusal = status;
    return isLast ? this.refusal : ASK_NEXT;
  }
}

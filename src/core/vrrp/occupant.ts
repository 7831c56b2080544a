/**
 * Who answers for the addresses while this router would take them, and what is done about it.
 *
 * A machine of a peer, that is one whose adverts were heard, may have been left with the addresses by a program that was
 * killed: its kernel goes on answering for them. After a bound it is asked whether anything serves there, and where nothing
 * does the addresses are taken. From a stranger (a typing mistake, a printer) they never are.
 */
import { US_PER_S } from './intervals.ts';

/** For how long a peer's machine must have answered, without an advert, before it is asked whether it serves. */
const PATIENCE_US = 3 * US_PER_S;
/** Until it is asked again. */
const REPEAT_US = 10 * US_PER_S;
/** Probes are repeated each second: who has not answered for so long is gone. */
const FORGOTTEN_US = 5 * US_PER_S;

export interface ServingVerdict {
  /** Null: nothing is known that could be tried. */
  readonly serves: boolean | null;
  /** For people. */
  readonly detail: string;
}

export interface OccupantView {
  /** A MAC address. */
  readonly by: string;
  /** The address of the peer that has this MAC address; null: a stranger. */
  readonly peer: string | null;
  readonly sinceUs: number;
  readonly lastUs: number;
  readonly verdict: (ServingVerdict & { readonly atUs: number }) | null;
}

export class Occupant {
  private current: OccupantView | null = null;
  private askUs = Number.POSITIVE_INFINITY;

  /** Who answered within the last seconds, a stranger rather than a peer. */
  view(nowUs: number): OccupantView | null {
    return this.current !== null && nowUs - this.current.lastUs < FORGOTTEN_US ? this.current : null;
  }

  forget(): void {
    this.current = null;
    this.askUs = Number.POSITIVE_INFINITY;
  }

  handleAnswer(by: string, peer: string | null, nowUs: number): void {
    const known = this.view(nowUs);
    if (known !== null && known.peer === null && peer !== null && known.by !== by) return;
    if (known !== null && known.peer === peer && known.by === by) {
      this.current = { ...known, lastUs: nowUs };
      return;
    }
    this.current = { by, peer, sinceUs: nowUs, lastUs: nowUs, verdict: null };
    this.askUs = peer === null ? Number.POSITIVE_INFINITY : nowUs + PATIENCE_US;
  }

  /** Whether to ask now whether it serves; if so it counts as asked. */
  shouldAsk(nowUs: number): boolean {
    if (nowUs < this.askUs || this.view(nowUs) === null) return false;
    this.askUs = nowUs + REPEAT_US;
    return true;
  }

  /** Returns whether the addresses may be taken from it. */
  handleVerdict({ serves, detail }: ServingVerdict, nowUs: number): boolean {
    const known = this.view(nowUs);
    if (known === null || known.peer === null) return false;
    this.current = { ...known, verdict: { serves, detail, atUs: nowUs } };
    return serves === false;
  }
}

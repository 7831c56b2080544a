/** Something in the proxy's timing wheel. */
import { Timed } from '../base/timers.ts';

export abstract class Expiring extends Timed {
  /** The deadline has passed and is disarmed. */
  abstract handleExpiry(now: number): void;
}

/** For tests: one router on virtual time. */
import { formatIP } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import type { RouterAction, RouterEvent } from './events.ts';
import type { HeardAdvert } from './heard-advert.ts';
import { US_PER_S } from './intervals.ts';
import { VirtualRouter } from './router.ts';
import type { RouterSettings } from './settings.ts';

export const OWN = Uint8Array.of(192, 0, 2, 11);
export const LOWER_ADDRESS = Uint8Array.of(192, 0, 2, 10);
export const HIGHER_ADDRESS = Uint8Array.of(192, 0, 2, 12);

/** Version 3, priority 100, adverts each second, preempting, nothing else. */
export const PLAIN: RouterSettings = {
  version: 3,
  priority: 100,
  intervalUs: US_PER_S,
  preempt: true,
  preemptDelayUs: 0,
  startDelayUs: 0,
  guards: [],
  probesAddresses: false,
  isGrouped: false,
  hasVirtualMac: false,
  tracked: [],
};

/** Skew_Time of priority 100 at adverts each second. */
export const SKEW_100_US = 609_375;
/** Its Active_Down_Interval. */
export const DOWN_100_US = 3 * US_PER_S + SKEW_100_US;

export function heard(priority: number, changes: Partial<HeardAdvert> = {}): HeardAdvert {
  return { source: HIGHER_ADDRESS, priority, intervalUs: US_PER_S, addresses: 'all', foreignAddress: null, ...changes };
}

/** Until `resume`. */
export const HAND_OVER = { kind: 'hand-over', untilUs: Number.POSITIVE_INFINITY } as const;

interface TimedAction {
  readonly atUs: number;
  readonly action: RouterAction;
}

export class Stage {
  readonly router: VirtualRouter;
  nowUs = 1_000 * US_PER_S;
  /** Everything the router wanted done since the last `take`. */
  private done: TimedAction[] = [];

  constructor(changes: Partial<RouterSettings> = {}) {
    this.router = new VirtualRouter({ ...PLAIN, ...changes });
    this.send({ kind: 'source', address: OWN });
  }

  send(event: RouterEvent): void {
    for (const action of this.router.handle(event, this.nowUs)) this.done.push({ atUs: this.nowUs, action });
  }

  start(): this {
    this.send({ kind: 'start', lastAdvertUs: null, restraint: null });
    return this;
  }

  /** Started and active. */
  active(): this {
    this.start();
    while (this.router.state !== 'active') this.toDeadline();
    this.take();
    return this;
  }

  hear(priority: number, changes: Partial<HeardAdvert> = {}): void {
    this.send({ kind: 'advert', advert: heard(priority, changes) });
  }

  /** Lets the time pass, with a tick at every deadline. */
  pass(us: number): void {
    const endUs = this.nowUs + us;
    while (this.router.deadlineUs <= endUs) this.toDeadline();
    this.nowUs = endUs;
  }

  toDeadline(): void {
    assert(this.router.deadlineUs < Number.POSITIVE_INFINITY, 'nothing is due');
    this.nowUs = Math.max(this.nowUs, this.router.deadlineUs);
    this.send({ kind: 'tick' });
  }

  /** Time passes and the process does not run. */
  freeze(us: number): void {
    this.nowUs += us;
  }

  take(): TimedAction[] {
    const { done } = this;
    this.done = [];
    return done;
  }

  /** What was done since the last time, in words: `advert 100`, `hold`, `drop`, `conceal`, `relay 192.0.2.1`, `announce`, `probe`, `backup>active`. */
  takeWords(): string[] {
    return this.take().flatMap(({ action }) => {
      switch (action.kind) {
        case 'send-advert':
          return [`advert ${action.priority}`];
        case 'hold-addresses':
          return ['hold'];
        case 'drop-addresses':
          return ['drop'];
        case 'conceal-addresses':
          return ['conceal'];
        case 'relay':
          return [`relay ${formatIP(action.to)}`];
        case 'end-relay':
          return ['end relay'];
        case 'announce':
          return ['announce'];
        case 'probe':
          return ['probe'];
        case 'change':
          return [`${action.from}>${action.to} ${action.cause}`];
        case 'ask-serving':
          return ['ask serving'];
        case 'end-connections':
          return ['end connections'];
        case 'restraint':
        case 'evidence':
          return [];
      }
      return [];
    });
  }
}

/** When such actions were done, from `sinceUs` on. */
export function timesOf(actions: readonly TimedAction[], kind: RouterAction['kind'], sinceUs: number): number[] {
  return actions.filter(({ action }) => action.kind === kind).map(({ atUs }) => atUs - sinceUs);
}

/**
 * The router against a naive reading of RFC 9568 section 6.4: the RFC's three states, its own words, nothing else. Where
 * evenkeel adds nothing (no guards, no probe, no tracking, no stall), both must agree after every event.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareBytes } from '../../base/bytes.ts';
import { US_PER_S } from './intervals.ts';
import { HIGHER_ADDRESS, LOWER_ADDRESS, OWN, Stage } from './testing.ts';

interface Advertisement {
  readonly priority: number;
  readonly maxAdverInterval: number;
  readonly source: Uint8Array;
}

/** Times in microseconds. `sent` collects the priorities of the adverts it sends. */
class Rfc9568 {
  state: 'Initialize' | 'Backup' | 'Active' = 'Initialize';
  sent: number[] = [];
  timer = Number.POSITIVE_INFINITY;
  private activeAdverInterval = 0;
  /** Deviation: see `believed`. By source, when an interval was first named without another one since. */
  private readonly named = new Map<Uint8Array, { interval: number; since: number }>();
  private readonly priority: number;
  private readonly advertisementInterval: number;
  private readonly preemptMode: boolean;

  constructor(priority: number, advertisementInterval: number, preemptMode: boolean) {
    this.priority = priority;
    this.advertisementInterval = advertisementInterval;
    this.preemptMode = preemptMode;
  }

  startup(now: number): void {
    if (this.priority === 255) {
      this.toActive(now);
    } else {
      this.activeAdverInterval = this.advertisementInterval;
      this.timer = now + this.activeDownInterval();
      this.state = 'Backup';
    }
  }

  shutdown(): void {
    if (this.state === 'Active') this.sent.push(0);
    this.timer = Number.POSITIVE_INFINITY;
    this.state = 'Initialize';
  }

  timerFires(now: number): void {
    if (this.state === 'Backup') {
      this.toActive(now);
    } else {
      this.named.clear();
      this.sent.push(this.priority);
      this.timer = now + this.advertisementInterval;
    }
  }

  received(advertisement: Advertisement, now: number): void {
    const { priority, source } = advertisement;
    const maxAdverInterval = this.believed(advertisement, now);
    if (this.state === 'Backup') {
      if (priority === 0) {
        this.timer = now + this.skewTime();
      } else if (!this.preempts() || priority >= this.priority) {
        this.activeAdverInterval = maxAdverInterval;
        this.timer = now + this.activeDownInterval();
      }
    } else if (this.state === 'Active') {
      if (priority === 0) {
        this.sent.push(this.priority);
        this.timer = now + this.advertisementInterval;
      } else if (priority > this.priority || (priority === this.priority && compareBytes(source, OWN) > 0)) {
        this.activeAdverInterval = maxAdverInterval;
        this.timer = now + this.activeDownInterval();
        this.state = 'Backup';
      } else {
        this.sent.push(this.priority);
      }
    }
  }

  /** Deviation: more than three own intervals are believed once two adverts that name it have come that far apart. */
  private believed({ maxAdverInterval, source }: Advertisement, now: number): number {
    const before = this.named.get(source);
    const since = before?.interval === maxAdverInterval ? before.since : now;
    this.named.set(source, { interval: maxAdverInterval, since });
    const isProven = now - since >= (maxAdverInterval * 7) / 8;
    return isProven ? maxAdverInterval : Math.min(maxAdverInterval, 3 * this.advertisementInterval);
  }

  private toActive(now: number): void {
    this.sent.push(this.priority);
    this.timer = now + this.advertisementInterval;
    this.state = 'Active';
  }

  private preempts(): boolean {
    return this.preemptMode || this.priority === 255;
  }

  private skewTime(): number {
    return Math.ceil(((256 - this.priority) * this.activeAdverInterval) / 256);
  }

  private activeDownInterval(): number {
    return 3 * this.activeAdverInterval + this.skewTime();
  }
}

const RFC_STATE = {
  initialize: 'Initialize',
  fault: 'Initialize',
  backup: 'Backup',
  claiming: 'Backup',
  active: 'Active',
  leaving: 'Active',
} as const;

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), us: fc.integer({ min: 1, max: 1_500_000 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('advert' as const),
        priority: fc.constantFrom(0, 1, 99, 100, 101, 254, 255),
        maxAdverInterval: fc.constantFrom(US_PER_S, 100_000, 4 * US_PER_S, 40_950_000),
        source: fc.constantFrom(LOWER_ADDRESS, HIGHER_ADDRESS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { maxLength: 60 },
);

test('RFC 9568 6.4: in any history of adverts, silence and restarts the router does what the RFC says', () => {
  const priorities = fc.constantFrom(1, 100, 254, 255);
  fc.assert(
    fc.property(priorities, fc.boolean(), steps, (priority, preempt, history) => {
      // On the virtual MAC: the extra advert of a loser is a deviation, see the ledger.
      const stage = new Stage({ priority, preempt, hasVirtualMac: true });
      const model = new Rfc9568(priority, US_PER_S, preempt);
      let assertedUs = Number.NEGATIVE_INFINITY;
      const compare = (): void => {
        const sent = stage.take().flatMap(({ action }) => (action.kind === 'send-advert' ? [action.priority] : []));
        // A release is sent twice.
        assert.deepEqual(
          sent.filter((each, i) => !(each === 0 && sent[i - 1] === 0)),
          model.sent,
        );
        model.sent = [];
        assert.equal(RFC_STATE[stage.router.state], model.state);
      };
      const waitUntil = (endUs: number): void => {
        while (model.timer <= endUs || stage.router.deadlineUs <= endUs) {
          stage.nowUs = Math.max(stage.nowUs, Math.min(model.timer, stage.router.deadlineUs));
          if (model.timer <= stage.nowUs) model.timerFires(stage.nowUs);
          stage.send({ kind: 'tick' });
          compare();
        }
        stage.nowUs = endUs;
      };
      stage.start();
      model.startup(stage.nowUs);
      compare();
      for (const step of history) {
        if (step.kind === 'wait') {
          waitUntil(stage.nowUs + step.us);
        } else if (step.kind === 'advert') {
          stage.hear(step.priority, { source: step.source, intervalUs: step.maxAdverInterval });
          const before = model.sent.length;
          const isActive = model.state === 'Active';
          model.received(step, stage.nowUs);
          // Answers to rivals are at most one per interval, the shorter one of the two: see the ledger.
          if (isActive && model.state === 'Active' && step.priority !== 0) {
            if (stage.nowUs - assertedUs < Math.min(US_PER_S, step.maxAdverInterval)) model.sent.length = before;
            else assertedUs = stage.nowUs;
          }
          compare();
        } else {
          stage.send({ kind: 'stop', isGraceful: false });
          model.shutdown();
          compare();
          stage.start();
          model.startup(stage.nowUs);
          compare();
        }
      }
    }),
    { numRuns: 500 },
  );
});

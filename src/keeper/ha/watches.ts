/** What is watched, each thing once however many routers depend on it, and known by what is written for it. */
import type { WatchPlan } from '../../config/plan/ha.ts';
import type { WatchMemory } from './heritage.ts';
import type { Watch, WatchStatus } from './watch.ts';

/** How long first verdicts are waited for: what begins in fault would tell so, and run programs for it. */
const FIRST_VERDICTS_MS_MAX = 2_000;

export class Watches {
  private readonly create: (plan: WatchPlan) => Watch;
  /** At the first verdict and at every change. */
  private readonly onVerdict: (watch: string, isUp: boolean) => void;
  private readonly watches = new Map<string, Watch>();

  constructor(create: (plan: WatchPlan) => Watch, onVerdict: (watch: string, isUp: boolean) => void) {
    this.create = create;
    this.onVerdict = onVerdict;
  }

  /** Watches these too. Resolves when each new one has a verdict, or has had time for one. `memories`: verdicts so far. */
  async add(plans: readonly WatchPlan[], memories: readonly WatchMemory[] = []): Promise<void> {
    const verdicts = plans.flatMap((plan) => {
      const key = watchKey(plan);
      if (this.watches.has(key)) return [];
      const watch = this.create(plan);
      this.watches.set(key, watch);
      return new Promise<void>((resolve) => {
        const memory = memories.find((each) => each.key === key) ?? null;
        watch.start((isUp) => {
          this.onVerdict(key, isUp);
          resolve();
        }, memory);
      });
    });
    if (verdicts.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_VERDICTS_MS_MAX);
    });
    await Promise.race([Promise.all(verdicts), timeout]);
    clearTimeout(timer);
  }

  /** Watches nothing but these any more. */
  retain(plans: readonly WatchPlan[]): void {
    const wanted = new Set(plans.map(watchKey));
    for (const [key, watch] of this.watches) {
      if (wanted.has(key)) continue;
      watch.stop();
      this.watches.delete(key);
    }
  }

  /** Watches nothing any more; what was seen last is still told. */
  stop(): void {
    for (const watch of this.watches.values()) watch.stop();
  }

  /** For a successor. */
  memories(nowMs: number): readonly WatchMemory[] {
    return Array.from(this.watches, ([key, watch]) => ({ key, ...watch.status() })).flatMap(
      ({ key, isUp, sinceMs, detail }) => (isUp === null ? [] : [{ key, isUp, sinceAgeMs: nowMs - sinceMs, detail }]),
    );
  }

  /** Of something that is, or was, watched. */
  status(plan: WatchPlan): WatchStatus {
    return this.watches.get(watchKey(plan))!.status();
  }
}

export function watchKey(plan: WatchPlan): string {
  return JSON.stringify(plan);
}

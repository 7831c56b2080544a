/**
 * Which routers of this node are held back from preempting, for whom and until when: what the owner of the addresses says,
 * with what only the keeper knows, who gave the order. Hand-overs are written down, so that they hold over a restart.
 */
import type { RestraintView } from '../../api/virtual-routers.ts';
import type { RestraintReason } from '../../core/vrrp/restraint.ts';
import type { RestraintChange } from '../../vip/status.ts';
import type { Log } from '../log/log.ts';
import type { InheritedRestraint } from './vip-link.ts';
import type { RestraintMemory } from './heritage.ts';
import type { RestraintFile } from './restraint-file.ts';

export interface RestraintsOptions {
  /** The routers' names, in the order of the plan. */
  readonly routers: readonly string[];
  readonly file: Pick<RestraintFile, 'read' | 'write' | 'writeAgain' | 'unstored'>;
  readonly log: Log;
  /** What an operator types to end the restraint of a router. */
  readonly endOrder: (router: string) => string;
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
}

/** Those that a start brings with it. */
export type StartRestraint = Extract<RestraintReason, 'start' | 'certificates'>;

type Known = RestraintMemory;

export class Restraints {
  private readonly options: RestraintsOptions;
  private routers: readonly string[];
  private readonly known = new Map<string, Known>();
  /** Who gave the order for a router that is still under way. */
  private readonly orders = new Map<string, string | null>();

  constructor(options: RestraintsOptions) {
    this.options = options;
    this.routers = options.routers;
  }

  /** From before this program's start, and of these routers for the reason that it starts with, if there is one. */
  inherit(reason: StartRestraint | null, held: readonly string[]): ReadonlyMap<string, InheritedRestraint> {
    const { endOrder, file, log, unixMs } = this.options;
    const { routers } = this;
    const nowMs = unixMs();
    for (const record of file.read()) {
      if (!routers.includes(record.router)) continue;
      if (record.untilMs !== null && record.untilMs <= nowMs) {
        log.info(`virtual router ${record.router}: its hand-over has ended meanwhile: takes part as configured`);
        continue;
      }
      this.known.set(record.router, { ...record, reason: 'hand-over' });
    }
    for (const router of held) {
      if (reason === null || this.known.has(router)) continue;
      this.known.set(router, { router, reason, by: null, atMs: nowMs, untilMs: null });
    }
    this.save();
    for (const known of this.known.values()) log.info(describe(known, nowMs, endOrder));
    return new Map(
      Array.from(this.known.values(), ({ router, reason, atMs, untilMs }) => {
        return [router, { reason, agoMs: nowMs - atMs, leftMs: untilMs === null ? null : untilMs - nowMs }];
      }),
    );
  }

  /** For a successor. */
  memories(): readonly RestraintMemory[] {
    return [...this.known.values()];
  }

  /** From a predecessor, whose routers go on. What it has written down stays. */
  restore(memories: readonly RestraintMemory[]): void {
    for (const memory of memories) if (this.routers.includes(memory.router)) this.known.set(memory.router, memory);
  }

  /** These are the routers from now on: an order for one that is gone is forgotten. */
  apply(routers: readonly string[]): void {
    this.routers = routers;
    let isChanged = false;
    for (const router of this.known.keys()) {
      if (!routers.includes(router)) isChanged = this.known.delete(router) || isChanged;
    }
    if (isChanged) this.save();
  }

  /** An operator had these routers hand over, or resume. */
  handleOrder(routers: readonly string[], by: string | null): void {
    for (const router of routers) this.orders.set(router, by);
  }

  handleChange({ router, restraint, end }: RestraintChange): void {
    const { endOrder, log, unixMs } = this.options;
    const nowMs = unixMs();
    const by = this.orders.get(router) ?? null;
    this.orders.delete(router);
    if (restraint !== null) {
      const { reason, sinceUs, untilUs } = restraint;
      const untilMs = untilUs === null ? null : nowMs + (untilUs - sinceUs) / 1_000;
      const known: Known = { router, reason, by: reason === 'hand-over' ? by : null, atMs: nowMs, untilMs };
      this.known.set(router, known);
      if (reason === 'hand-over') log.info(describe(known, nowMs, endOrder));
      else log.warn(describe(known, nowMs, endOrder));
    } else {
      const isLate = this.known.get(router)?.reason === 'late';
      this.known.delete(router);
      const why =
        end === 'resume'
          ? `resumed${by === null ? '' : ` by ${by}`}`
          : end === 'over'
            ? isLate
              ? 'its process has lived for long enough'
              : 'its hand-over is over'
            : 'nobody else has the addresses, so it is not held back any more';
      log.info(`virtual router ${router}: ${why}: takes part as configured`);
    }
    this.save();
  }

  /** As StateFile's. */
  get unstored(): string | null {
    return this.options.file.unstored;
  }

  storeAgain(): void {
    this.options.file.writeAgain();
  }

  /** The routers that are held back for this reason. */
  heldFor(reason: RestraintReason): readonly string[] {
    return [...this.known.values()].filter((known) => known.reason === reason).map(({ router }) => router);
  }

  isHeldBack(router: string): boolean {
    return this.known.has(router);
  }

  view(router: string): RestraintView | null {
    const known = this.known.get(router);
    if (known === undefined) return null;
    const nowMs = this.options.unixMs();
    const { reason, by, atMs, untilMs } = known;
    return {
      reason,
      by,
      sinceAgeMs: Math.max(0, nowMs - atMs),
      leftMs: untilMs === null ? null : Math.max(0, untilMs - nowMs),
      endOrder: this.options.endOrder(router),
    };
  }

  private save(): void {
    const records = [...this.known.values()].filter(({ reason }) => reason === 'hand-over');
    this.options.file.write(records.map(({ router, by, atMs, untilMs }) => ({ router, by, atMs, untilMs })));
  }
}

function describe(
  { router, reason, by, untilMs }: Known,
  nowMs: number,
  endOrder: RestraintsOptions['endOrder'],
): string {
  const why =
    reason === 'hand-over'
      ? `handed over${by === null ? '' : ` by ${by}`}`
      : reason === 'late'
        ? 'its process died while active, and the next one came too late'
        : reason === 'mute'
          ? 'its adverts do not leave this machine'
          : reason === 'certificates'
            ? 'started without a certificate of a listener'
            : 'started with --restrained';
  const left = untilMs === null ? '' : `for ${Math.ceil((untilMs - nowMs) / 1_000)} s, `;
  return (
    `virtual router ${router}: ${why}: leaves its addresses to a peer, ${left}until that one fails or ` +
    `\`${endOrder(router)}\``
  );
}

/**
 * How a version gets to all nodes: to some first, and to more when those keep it. Pure: the record, what nodes say and the time come in.
 */
import type { NodeReport, RolloutRecord } from './record.ts';

/** How many nodes have it in the end of a step: a number, a share of them, or all. */
export type Step = { readonly kind: 'count' | 'percent'; readonly value: number } | { readonly kind: 'all' };

export type Next =
  | { readonly kind: 'wait'; /** Who has not yet kept it. */ readonly for: readonly string[] }
  /** These have it from now on; null: everybody. */
  | { readonly kind: 'go-on'; readonly nodes: readonly string[] | null }
  | { readonly kind: 'stop'; readonly why: string }
  | { readonly kind: 'stopped'; readonly why: string }
  | { readonly kind: 'done' };

/** Beyond the time in which they look for errors: a node that has not kept it then has something else to do. */
const SPARE_MS = 60_000;

/** `all`: the names of the nodes that are there. Always the same ones first. At least one, and never fewer than in the step before. */
export function nodesOf(step: Step, all: readonly string[]): readonly string[] | null {
  if (step.kind === 'all') return null;
  const count = step.kind === 'count' ? step.value : Math.ceil((step.value / 100) * all.length);
  return all.toSorted().slice(0, Math.max(1, count));
}

export class Rollout {
  private readonly version: number;
  private readonly steps: readonly Step[];
  private readonly watchMs: number;
  private readonly all: readonly string[];
  private step = 0;
  private stepMs: number;

  /** `all`: who was there in the beginning. */
  constructor(version: number, steps: readonly Step[], watchMs: number, all: readonly string[], nowMs: number) {
    this.version = version;
    this.steps = steps;
    this.watchMs = watchMs;
    this.all = all;
    this.stepMs = nowMs;
  }

  /** Of the first step. */
  get first(): readonly string[] | null {
    return nodesOf(this.steps[0], this.all);
  }

  /** `record`: what is in the store now. `reports`: of the nodes that are there. */
  next(record: RolloutRecord | null, reports: readonly NodeReport[], nowMs: number): Next {
    if (record === null || record.version !== this.version) {
      return { kind: 'stopped', why: 'another version was published meanwhile' };
    }
    if (record.stopped !== null) return { kind: 'stopped', why: record.stopped.why };
    const wanted = nodesOf(this.steps[this.step], this.all);
    // it could not be written, or nobody knows whether it was
    if (!isSame(record.nodes, wanted)) {
      this.stepMs = nowMs;
      return { kind: 'go-on', nodes: wanted };
    }
    const concerned = wanted ?? this.all;
    // who has not seen this version yet may still speak of the last one
    const refusing = reports.find(
      (report) => concerned.includes(report.node) && report.wanted === this.version && report.state === 'refuses',
    );
    if (refusing !== undefined) return { kind: 'stop', why: `${refusing.node}: ${refusing.why}` };
    const keeping = new Set(
      reports.flatMap(({ node, state, version }) => (state === 'keeps' && version === this.version ? [node] : [])),
    );
    const missing = concerned.filter((node) => !keeping.has(node));
    if (missing.length > 0) {
      const isLate = nowMs - this.stepMs > this.watchMs + SPARE_MS;
      if (!isLate) return { kind: 'wait', for: missing };
      return { kind: 'stop', why: `${missing.join(', ')} did not keep it in time` };
    }
    this.step++;
    this.stepMs = nowMs;
    if (this.step === this.steps.length) return { kind: 'done' };
    return { kind: 'go-on', nodes: nodesOf(this.steps[this.step], this.all) };
  }
}

function isSame(some: readonly string[] | null, others: readonly string[] | null): boolean {
  if (some === null || others === null) return some === others;
  return some.length === others.length && some.every((node, i) => node === others[i]);
}

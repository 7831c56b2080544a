/**
 * Hears how a request finds its route, for whoever explains it (src/rehearsal). It is chosen when routes are prepared: those of a proxy that
 * serves have none, and no place in them for one.
 */
import type { StepPlan, TestPlan } from '../../config/plan/route.ts';
import type { RequestView } from '../value/request-view.ts';
import type { StepsEnd } from './steps-end.ts';

export interface RouteWatch {
  /** A route was looked for, behind `after`; `found` is as of RouteTable. The view is as it was looked at. */
  handleMatch(view: RequestView, after: number, found: number): void;
  /** The test of an `if` step. */
  handleTest(plan: TestPlan, holds: boolean): void;
  /** A step was done, other than `if`; `end`: how the steps end by it, or as `stop` ends a phase. Null: the next one follows. */
  handleStep(plan: Exclude<StepPlan, { kind: 'if' }>, view: RequestView, end: StepsEnd | 'stop' | null): void;
}

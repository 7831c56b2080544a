/**
 * What is done with a request before it takes its route: values are set, conditions asked, the target rewritten. Steps are done
 * in their order, once; they may end in another route, or send the request back to look for one by its new target.
 */
import { CapturingRegex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { RewriteStepPlan, RoutePlan, StepPlan, TestPlan } from '../../config/plan/route.ts';
import { keepMatch } from '../value/match.ts';
import type { RequestView } from '../value/request-view.ts';
import { Source } from '../value/source.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';
import { variableNumber } from '../value/variables.ts';
import { TargetTemplate } from './target-template.ts';
import type { RouteWatch } from './route-watch.ts';
import { StepTest } from './step-test.ts';
import type { StepsEnd } from './steps-end.ts';

const span = new Span();

interface Step<R> {
  /** Null: the next one is done. 'stop': the next one behind a `find`. */
  run(view: RequestView, steps: Steps<R>): StepsEnd | 'stop' | null;
}

export class Steps<R> {
  /** What 'took' and 'called' mean; valid until the next run. */
  taken: R | null = null;
  calledName = '';
  /** The target was changed, and is not to be kept for the route that the steps are of. */
  isMoved = false;
  /** All routes that a step may end in. */
  readonly routes: readonly R[];
  private readonly steps: readonly Step<R>[];
  /** Where in `steps` a `find` stands. */
  private readonly finds: readonly number[];

  /** `watch`: hears what they do. */
  constructor(plans: readonly StepPlan[], prepare: (plan: RoutePlan) => R, watch: RouteWatch | null = null) {
    const routes: R[] = [];
    const workshop: Workshop<R> = {
      watch,
      prepare: (plan) => {
        const route = prepare(plan);
        routes.push(route);
        return route;
      },
    };
    this.steps = compileSteps(plans, workshop);
    this.routes = routes;
    this.finds = plans.flatMap(({ kind }, i) => (kind === 'find' ? [i] : []));
  }

  run(view: RequestView): StepsEnd {
    this.isMoved = false;
    this.calledName = '';
    const end = this.runFrom(0, view);
    if (view.variables.isFull) return 'failed';
    if (end !== null && end !== 'done') return end;
    if (this.isMoved) return 'again';
    return this.calledName === '' ? 'done' : 'called';
  }

  private runFrom(first: number, view: RequestView): StepsEnd | null {
    for (let i = first; i < this.steps.length; i++) {
      const end = this.steps[i].run(view, this);
      if (end === 'stop') {
        const find = this.finds.find((at) => at > i);
        if (find === undefined) return 'done';
        i = find - 1;
      } else if (end !== null) return end;
    }
    return null;
  }
}

function runAll<R>(list: readonly Step<R>[], view: RequestView, steps: Steps<R>): StepsEnd | 'stop' | null {
  for (let i = 0; i < list.length; i++) {
    const end = list[i].run(view, steps);
    if (end !== null) return end;
  }
  return null;
}

/** What steps are made with. */
interface Workshop<R> {
  readonly prepare: (plan: RoutePlan) => R;
  readonly watch: RouteWatch | null;
}

function compileSteps<R>(plans: readonly StepPlan[], workshop: Workshop<R>): readonly Step<R>[] {
  return plans.map((plan) => {
    const step = compileStep(plan, workshop);
    return workshop.watch === null || plan.kind === 'if' ? step : watched(step, plan, workshop.watch);
  });
}

function watched<R>(step: Step<R>, plan: Exclude<StepPlan, { kind: 'if' }>, watch: RouteWatch): Step<R> {
  return {
    run(view, steps) {
      const end = step.run(view, steps);
      watch.handleStep(plan, view, end);
      return end;
    },
  };
}

class WatchedTest extends StepTest {
  private readonly plan: TestPlan;
  private readonly watch: RouteWatch;

  constructor(plan: TestPlan, watch: RouteWatch) {
    super(plan);
    this.plan = plan;
    this.watch = watch;
  }

  override holds(view: RequestView): boolean {
    const is = super.holds(view);
    this.watch.handleTest(this.plan, is);
    return is;
  }
}

function compileStep<R>(plan: StepPlan, workshop: Workshop<R>): Step<R> {
  const { prepare, watch } = workshop;
  switch (plan.kind) {
    case 'set': {
      const number = variableNumber(plan.name);
      const value = new Template(plan.value, encodeUtf8);
      return {
        run: (view) => {
          view.variables.assign(number, value, view);
          return null;
        },
      };
    }
    case 'if': {
      const test = watch === null ? new StepTest(plan.test) : new WatchedTest(plan.test, watch);
      const inner = compileSteps(plan.steps, workshop);
      return { run: (view, steps) => (test.holds(view) ? runAll(inner, view, steps) : null) };
    }
    case 'rewrite':
      return new RewriteStep(plan, plan.take === null ? null : prepare(plan.take));
    case 'stop':
      return {
        run: (view, steps) => {
          if (steps.isMoved) view.isPlaced = false;
          steps.isMoved = false;
          return 'stop';
        },
      };
    case 'take': {
      const route = prepare(plan.route);
      return {
        run: (_, steps) => {
          steps.taken = route;
          return 'took';
        },
      };
    }
    case 'call':
      return {
        run: (_, steps) => {
          steps.calledName = plan.name;
          return null;
        },
      };
    case 'find':
      return { run: (_, steps) => (steps.isMoved || steps.calledName !== '' ? 'done' : null) };
  }
}

const decodedPath = Source.of({ kind: 'decoded-path', name: null });

class RewriteStep<R> implements Step<R> {
  private readonly regex: CapturingRegex;
  private readonly to: TargetTemplate;
  private readonly end: RewriteStepPlan['end'];

  private readonly taken: R | null;

  constructor(plan: RewriteStepPlan, taken: R | null) {
    this.taken = taken;
    this.regex = new CapturingRegex(plan.regex);
    this.to = new TargetTemplate(plan.to);
    this.end = plan.end;
  }

  run(view: RequestView, steps: Steps<R>): StepsEnd | 'stop' | null {
    decodedPath.find(view, span);
    const { bytes, at, length } = span;
    if (!this.regex.exec(bytes, at, length)) return null;
    keepMatch(this.regex, view, bytes, at, length);
    if (this.taken !== null) {
      steps.taken = this.taken;
      return 'took';
    }
    if (!this.to.apply(view)) return 'failed';
    if (this.end === 'stop') {
      view.isPlaced = false;
      steps.isMoved = false;
      return 'stop';
    }
    steps.isMoved = true;
    return this.end === 'again' ? 'again' : null;
  }
}

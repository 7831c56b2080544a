/** Every route of a configuration, those that steps take among them. */
import type { Path } from '../findings/diagnostic.ts';
import type { Config, Loose, RouteConfig, StepConfig } from './config.ts';
import { entriesOf, itemsOf } from './parts.ts';

export interface RouteInPlace {
  /** The name. */
  readonly listener: string;
  readonly route: Loose<RouteConfig>;
  readonly path: Path;
  /** The route whose steps take it. Null: it is one of the listener's own. */
  readonly takenBy: Loose<RouteConfig> | null;
}

export function everyRoute(config: Loose<Config>): readonly RouteInPlace[] {
  const found: RouteInPlace[] = [];
  const note = (route: RouteInPlace): void => {
    found.push(route);
    noteTaken(route, route.route.steps, [...route.path, 'steps']);
  };
  const noteTaken = (
    from: RouteInPlace,
    steps: readonly (Loose<StepConfig> | undefined)[] | undefined,
    path: Path,
  ): void => {
    for (const { path: at, value: step } of itemsOf(steps, path)) {
      const taken = { listener: from.listener, takenBy: from.route };
      if (step.take !== undefined) note({ ...taken, route: step.take, path: [...at, 'take'] });
      if (step.rewrite?.take !== undefined)
        note({ ...taken, route: step.rewrite.take, path: [...at, 'rewrite', 'take'] });
      noteTaken(from, step.do, [...at, 'do']);
    }
  };
  for (const [listener, { routes }] of entriesOf(config.listeners))
    for (const { path, value: route } of itemsOf(routes, ['listeners', listener, 'routes']))
      note({ listener, route, path, takenBy: null });
  return found;
}

/** The routes of a listener in words, for the admin API. Of ten thousand only those are read that are asked for. */
import type { RouteView } from '../../api/routes.ts';
import { parseRoute } from '../../config/plan/route-text.ts';
import { actionText, routeText } from '../../config/words/route-words.ts';

/** `line`: of the text of all routes. */
export function routeView(line: string, index: number): RouteView {
  const plan = parseRoute(line);
  const { action, errors, isInternal, name, steps } = plan;
  return {
    number: index + 1,
    name,
    match: routeText(plan),
    action: actionText(action),
    upstream: action.kind === 'proxy' ? action.upstream : null,
    steps: steps.length,
    isInternal,
    errorPages: errors.length,
  };
}

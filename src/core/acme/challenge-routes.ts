/** A plan whose listeners answer challenges of http-01 (RFC 8555 section 8.3): a route in front of all others for each, as long as it is looked for. */
import { compileRoute } from '../../config/compile-routes.ts';
import { FileSites } from '../../config/files-plan.ts';
import type { Plan } from '../../config/plan.ts';
import { formatRoutes } from '../../config/route-text.ts';

export interface HttpAnswer {
  /** base64url */
  readonly token: string;
  readonly authorization: string;
}

const CONTEXT = { passesClaims: false, dropsOddFields: false, types: {} };
const PREFIX = '/.well-known/acme-challenge/';

/** On every listener that speaks HTTP in clear, whatever its port: an authority may come through a port that is forwarded. */
export function withHttpAnswers(plan: Plan, answers: readonly HttpAnswer[]): Plan {
  if (answers.length === 0) return plan;
  const routes = formatRoutes(
    answers.map(({ token, authorization }) =>
      compileRoute(
        {
          match: { path: { exact: `${PREFIX}${token}` } },
          respond: { status: 200, body: authorization, 'content-type': 'application/octet-stream' },
        },
        { ...CONTEXT, sites: new FileSites() },
      ),
    ),
  );
  const listeners = plan.listeners.map((listener) =>
    listener.protocol === 'http' && listener.tls === null
      ? { ...listener, routes: routes + listener.routes }
      : listener,
  );
  return { ...plan, listeners };
}

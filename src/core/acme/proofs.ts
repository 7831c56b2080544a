/** A plan by which the proxies show an authority that a name is ours, as long as it looks. */
import { answerRoute } from '../../config/compile/routes.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { TlsEntryPlan } from '../../config/plan/tls.ts';
import { formatRoutes } from '../../config/plan/route-text.ts';

/** Of http-01 (RFC 8555 section 8.3). */
export interface HttpProof {
  /** base64url */
  readonly token: string;
  readonly authorization: string;
}

const PREFIX = '/.well-known/acme-challenge/';

/** Of tls-alpn-01 (RFC 8737). */
export interface TlsProof {
  /** Lower case. */
  readonly name: string;
  /** The certificate that shows it. */
  readonly credential: string;
}

/** A route in front of all others for each, on every listener that speaks HTTP in clear, whatever its port: an authority may come through a port that is forwarded. */
export function withHttpProofs(plan: Plan, proofs: readonly HttpProof[]): Plan {
  if (proofs.length === 0) return plan;
  const routes = formatRoutes(
    proofs.map(({ token, authorization }) =>
      answerRoute({
        match: { path: { exact: `${PREFIX}${token}` } },
        respond: { status: 200, body: authorization, 'content-type': 'application/octet-stream' },
      }),
    ),
  );
  const listeners = plan.listeners.map((listener) =>
    listener.protocol === 'http' && listener.tls === null
      ? { ...listener, routes: routes + listener.routes }
      : listener,
  );
  return { ...plan, listeners };
}

/** On every listener that speaks TLS. */
export function withTlsProofs(plan: Plan, proofs: readonly TlsProof[]): Plan {
  if (proofs.length === 0) return plan;
  const challenges = proofs.map(({ name, credential }): TlsEntryPlan => {
    return { names: [name], credentials: [credential], clients: null };
  });
  const listeners = plan.listeners.map((listener) =>
    listener.tls === null ? listener : { ...listener, tls: { ...listener.tls, challenges } },
  );
  return { ...plan, listeners };
}

/** Configurations at random: each is a change of the one before in servers, weights, routes, listeners, timeouts, health. */
import type { Prng } from '../../src/base/prng.ts';

export interface Place {
  /** Never without any of these. */
  readonly ports: { readonly http: number; readonly tcp: number };
  /** Of listeners that come and go. */
  readonly extra: readonly number[];
  readonly servers: readonly { readonly http: string; readonly tcp: string }[];
}

export interface Change {
  readonly yaml: string;
  /** What `GET /generation` is answered, by this configuration and no other. */
  readonly generation: string;
  /** Ports of `extra` that are open. */
  readonly open: readonly number[];
}

/** Longer than any campaign: nothing ends because its time is over. */
const DRAIN = '24h';
const BALANCE = ['round-robin', 'least-connections', 'random-two', 'source-hash'] as const;

export function change(prng: Prng, place: Place, round: number): Change {
  const generation = `generation ${round}`;
  const open = place.extra.filter(() => prng.below(2) === 0);
  const routes = Array.from({ length: prng.below(20) }, (_, i) => {
    return `      - { match: { path: /extra/${prng.below(1_000)}/${i} }, respond: { status: 404 } }\n`;
  });
  const listener = (name: string, port: number): string => `  ${name}:
    bind: "127.0.0.1:${port}"
    limits: { connections: ${1_000 + prng.below(1_000)} }
    timeouts: { idle: ${60 + prng.below(600)}s }
    routes:
      - { match: { path: { exact: /generation } }, respond: { status: 200, body: "${generation}" } }
${routes.join('')}      - { upstream: web }
`;
  // The first server is always there: it has the sessions that live through everything.
  const some = place.servers.filter((_, i) => i === 0 || prng.below(2) === 0);
  const servers = (of: 'http' | 'tcp'): string =>
    some.map((server) => `{ address: "${server[of]}", weight: ${1 + prng.below(10)} }`).join(', ');
  const health = (check: string): string =>
    prng.below(2) === 0 ? `    health: { ${check}, interval: 2s, timeout: 30s }\n` : '';
  const yaml = `drain: ${DRAIN}
listeners:
${listener('web', place.ports.http)}${open.map((port) => listener(`extra-${port}`, port)).join('')}  tcp:
    bind: "127.0.0.1:${place.ports.tcp}"
    protocol: tcp
    upstream: tcp
upstreams:
  web:
    balance: ${BALANCE[prng.below(BALANCE.length)]}
    servers: [${servers('http')}]
    timeouts: { idle: ${30 + prng.below(60)}s }
${health('http: /')}  tcp:
    balance: ${BALANCE[prng.below(BALANCE.length)]}
    servers: [${servers('tcp')}]
${health('tcp: true')}`;
  return { yaml, generation, open };
}

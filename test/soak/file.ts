/** The file of both nodes of a soak: each is a change of the one before in servers, weights, routes and times. */
import type { Prng } from '../../src/base/prng.ts';
import { ADDRESSES, PREFIX_LENGTH, VIRTUAL_ADDRESS, WEB_SERVERS } from '../../src/lab/pair.ts';

export const ROUTER = 'VI_1';
export const HTTP_PORT = 80;
export const TCP_PORT = 81;
/** Of servers: HTTP, TCP. */
export const SERVER_PORTS = [8080, 8081] as const;

/** `directory`: for the access log. */
export function fileOf(prng: Prng, directory: string): string {
  const routes = Array.from({ length: prng.below(20) }, (_, i) => {
    return `      - { match: { path: /extra/${prng.below(1_000)}/${i} }, respond: { status: 404 } }\n`;
  });
  // The first server is always there: it has the sessions that live through everything.
  const some = WEB_SERVERS.filter((_, i) => i === 0 || prng.below(2) === 0);
  const servers = (port: number): string =>
    some.map((name) => `{ address: "${ADDRESSES[name]}:${port}", weight: ${1 + prng.below(4)} }`).join(', ');
  return `grace: 3s
drain: 24h
access-logs:
  main: { file: "${directory}/access.log" }
listeners:
  web:
    bind: "*:${HTTP_PORT}"
    access-log: main
    timeouts: { idle: ${60 + prng.below(600)}s }
    routes:
${routes.join('')}      - { upstream: web, upgrade: true }
  sessions: { bind: "*:${TCP_PORT}", protocol: tcp, upstream: echo, access-log: main }
upstreams:
  web: { servers: [ ${servers(SERVER_PORTS[0])} ], health: { http: /, interval: 1s } }
  echo: { servers: [ ${servers(SERVER_PORTS[1])} ], timeouts: { idle: 1h } }
ha:
  ${ROUTER}:
    interface: eth0
    router-id: 50
    priority: { lb01: 150, lb02: 100 }
    advertise: 200ms
    addresses: [ ${VIRTUAL_ADDRESS}/${PREFIX_LENGTH} ]
    track: [ { proxy: true }, { interface: eth0 } ]
`;
}

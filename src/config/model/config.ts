/**
 * The configuration as one typed, serialisable document, whatever file it came from: what was written, without defaults, in
 * the units it was written in. `compile/` makes a Plan of it. The schemas hold the shape of each part for itself; what has
 * to do with other parts is in `check/`. Each description is the reference page's, the editor's and the only one.
 */
import * as z from 'zod';
import { WORKERS_MAX } from '../../base/limits.ts';
import { Announce } from './announce.ts';
import { DEFAULTS } from './defaults.ts';
import { AccessLog, OwnLog } from './access-log.ts';
import { HighAvailability } from './ha.ts';
import { AdminTls } from './tls.ts';
import { Maintenance } from './maintenance.ts';
import { Limiter } from './limits.ts';
import { Peer } from './peers.ts';
import { Tracing } from './tracing.ts';
import { anyText, bind, duration, headerValue, integer, key, name, required, variableName } from './scalars.ts';
import { Listener } from './listener.ts';
import { Upstream } from './upstream.ts';
import { Value } from './value.ts';

const Admin = z.strictObject({
  bind: required(
    bind,
    'Where the admin API is: an address, and a port. Without `tls` one of loopback.',
    '127.0.0.1:9900',
  ),
  tls: key(AdminTls, 'It is asked in TLS. [The admin API](../admin-api.md#from-elsewhere).'),
});

export const Config = z
  .strictObject({
    node: key(name, 'The name of this machine. Without it the host name; `--node` goes before both.'),
    user: key(
      anyText('user name', 'evenkeel'),
      'The user that the proxies run as when evenkeel is started as root. Without it `evenkeel` if there is such a user, or else a ' +
        'number that nobody has. Not root, and not one that other programs run as.',
    ),
    workers: key(
      integer(1, WORKERS_MAX),
      'Proxy processes. Without it one per core; `--workers` goes before both, and then a reload does not change it.',
    ),
    grace: key(duration('0s', '24h'), 'How long a stop waits for what is in flight.', DEFAULTS.grace),
    drain: key(
      duration('0s', '24h'),
      'How long connections to a server, or over a listener or route, may go on that a reload has removed.',
      DEFAULTS.drain,
    ),
    listeners: key(z.record(name, Listener), 'By name: where clients connect.'),
    upstreams: key(z.record(name, Upstream), 'By name: groups of servers.'),
    values: key(
      z.record(variableName, Value),
      'By name: values that are made of others, `{value:name}` wherever values of the request may stand. One of `map`, `networks`, `split`.',
    ),
    maintenance: key(
      Maintenance,
      'What clients get of routes that `evenkeel maintenance on` has closed. [Maintenance](../maintenance.md).',
    ),
    limiters: key(
      z.record(name, Limiter),
      'By name: what counts requests and connections, for the `limits` of routes. [Limits](../rate-limits.md).',
    ),
    log: key(
      OwnLog,
      'Where else than on stderr what evenkeel says of itself goes. [Operations](../operations.md#the-log).',
    ),
    'access-logs': key(
      z.record(name, AccessLog),
      'By name: where a line for each request goes. [Access logs](../access-log.md).',
    ),
    tracing: key(
      Tracing,
      'All HTTP listeners take part in traces (W3C Trace Context), unless they say `tracing: false`. [Tracing](../tracing.md).',
    ),
    ha: key(HighAvailability, 'By name: virtual routers (VRRP), each with its addresses.'),
    announce: key(
      z.record(name, Announce),
      'By name: addresses that routers are told of by BGP while this node is well, so that many nodes have them at once. [A fleet](../fleet.md).',
    ),
    peers: key(
      z.record(name, Peer),
      'By name: the nodes that are linked to each other, this one among them. The same on all of them.',
    ),
    files: key(
      z.strictObject({
        user: key(
          anyText('user name', 'www-data'),
          'Whom the process runs as that reads the files of routes with `files`, when evenkeel is started as root. Without it the user of the proxies.',
        ),
        types: key(
          z.record(
            name,
            z.record(
              z.string().meta({ title: 'extension', examples: ['html'] }),
              headerValue.meta({ title: 'Content-Type', examples: ['text/html'] }),
            ),
          ),
          'By name: Content-Type by extension.',
        ),
      }),
      'What concerns all routes with `files`.',
    ),
    admin: key(Admin, 'The admin API over TCP. Without it, it is on the Unix socket alone.'),
  })
  .meta({
    title: 'configuration of evenkeel',
    description: 'The configuration of evenkeel, a high-availability load balancer.',
  });

export type Config = z.infer<typeof Config>;

export type ListenerConfig = NonNullable<Config['listeners']>[string];

export type RouteConfig = NonNullable<ListenerConfig['routes']>[number];

export type UdpConfig = NonNullable<ListenerConfig['udp']>;

export type StepConfig = NonNullable<RouteConfig['steps']>[number];

export type AccessLogConfig = NonNullable<Config['access-logs']>[string];

export type ValueConfig = NonNullable<Config['values']>[string];

export type UpstreamConfig = NonNullable<Config['upstreams']>[string];

/** A document of which parts may be missing, because they were wrong and have been reported. */
export type Loose<T> = T extends readonly (infer E)[]
  ? readonly (Loose<E> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
    : T;

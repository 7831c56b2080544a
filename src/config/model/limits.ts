/** How many requests and connections there may be of whatever a text says. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { flag, integer, key, name, rate, required, template } from './scalars.ts';

export const Limiter = z.strictObject({
  key: key(
    template,
    "What is counted together: requests with the same text. Those for which it is empty are not counted. Without it the client's address.",
  ),
  'ipv6-prefix': key(
    integer(1, 128),
    'Without `key`: of an IPv6 address so many bits count, for a client has all addresses behind them.',
    DEFAULTS.limiter['ipv6-prefix'],
  ),
  rate: key(rate, 'Requests per second or minute: `10/s`, `30/m`. For `requests`.'),
});

const status = key(integer(400, 599), 'What who is refused is answered with.', DEFAULTS.limiter.status);
const dryRun = key(
  flag,
  'Nobody is refused, or waits; what would be is counted and logged.',
  DEFAULTS.limiter['dry-run'],
);
const of = required(name, 'The name of one of `limiters`.', 'clients');

/** Of a route. */
export const limitKeys = {
  requests: key(
    z
      .array(
        z.strictObject({
          of,
          burst: key(
            integer(0, 1_000_000),
            'So many requests above the rate are let in; more are refused.',
            DEFAULTS.limiter.burst,
          ),
          'delay-after': key(
            integer(0, 1_000_000),
            'Of these, those beyond so many wait until the rate has them. Without it none waits.',
          ),
          status,
          'dry-run': dryRun,
        }),
      )
      .min(1),
    'Requests that are let in. All of the list have to let one in.',
  ),
  connections: key(
    z
      .array(
        z.strictObject({
          of,
          max: required(integer(1, 1_000_000), 'At one time.', 10),
          status,
          'dry-run': dryRun,
        }),
      )
      .min(1),
    'Requests that are under way at one time.',
  ),
} as const;

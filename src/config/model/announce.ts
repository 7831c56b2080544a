/** The `announce` part of the model: addresses that routers are told of, by a routing daemon beside evenkeel. The same on all nodes. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { Script, Track } from './ha.ts';
import { absolutePath, duration, ip, key, networkInterface, required } from './scalars.ts';

/** There is no priority that anything could weigh for. */
const AnnounceTrack = Track.omit({ weight: true, script: true, interface: true }).extend({
  interface: key(networkInterface, 'A network interface: up, with a carrier.'),
  script: key(Script.omit({ weight: true }), 'A program that is run again and again.'),
});

const Graceful = z.strictObject({
  interface: required(
    networkInterface,
    'Whose routes the daemon announces with the community GRACEFUL_SHUTDOWN (RFC 8326).',
    'leaving',
  ),
  for: key(
    duration('100ms', '10m'),
    'How long routes have it before they are withdrawn.',
    DEFAULTS.announce.gracefulFor,
  ),
});

export const Announce = z.strictObject({
  addresses: required(
    z.array(ip).min(1).meta({ title: 'list of IP addresses' }),
    'What clients connect to. Of either family; the same on all nodes.',
    ['192.0.2.10', '2001:db8:10::10'],
  ),
  interface: required(
    networkInterface,
    'Where they are while they are announced, as /32 and /128: one of no network, of type dummy, that the daemon announces the addresses of.',
    'anycast',
  ),
  graceful: key(
    Graceful,
    'Routes leave by way of the community, when it is planned. Without it they are withdrawn at once.',
  ),
  track: key(
    z.array(AnnounceTrack),
    'What must be well for them to be announced. Each is one of `proxy`, `interface`, `script`, `process`, `file`, `upstream`. ' +
      'Without it `proxy`, if there are listeners.',
  ),
  life: key(
    duration('1s', '60s'),
    'How long the kernel keeps the addresses when evenkeel does not lengthen that, because it was killed or stands still. In whole seconds, rounded up.',
    DEFAULTS.announce.life,
  ),
  convergence: key(
    duration('0s', '1m'),
    'How long routers may take to hear of a withdrawal: so long the addresses are still served, and a stop waits.',
    DEFAULTS.announce.convergence,
  ),
  bird: key(absolutePath, "The daemon's control socket: of BIRD 2, which is only asked.", DEFAULTS.announce.bird),
});

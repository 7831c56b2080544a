/** What can be made to go wrong in a run: each is on in some seeds and off in most. */

/** Classes that a correct proxy hides completely. */
export const HARMLESS_FAULTS = [
  'tiny',
  'slow',
  'smallBuffers',
  'shortWrites',
  'oddOffsets',
  'oneByOne',
  'reloads', // the plan is applied again and again, in another order, and servers are replaced by others in their places
  'overrides', // an operator drains and disables servers, but never the last one
] as const;

/** Classes that may show as an error, a cut connection or a delay, each only in its own way. */
export const HARMFUL_FAULTS = [
  'stalls', // the network holds bytes back for longer than timeouts
  'lateTurns', // the process gets no CPU for long
  'fewSlots', // the arena is small
  'shortages', // the arena runs out for a while, again and again
  'lostPeers', // connections break with ETIMEDOUT
  'connectFails', // EMFILE at connect
  'acceptFails', // EMFILE at accept
  'slowClients', // send, or read, a little at a time
  'abortingClients', // reset, close or end at any byte
  'silentClients', // stop sending, or never begin
  'hostileClients', // smuggling attempts and mutated requests
  'refusing', // servers that refuse connections for a while
  'blackholes', // servers that do not answer connection attempts
  'unreachable', // the network says that a server cannot be reached
  'serverResets', // in the middle of a response, or before
  'serverCloses', // without having said so, also under a request
  'serverStalls', // silence where a response should be
  'serverMalformed', // contradictory and broken responses, or more than one
  'overLimits', // requests above the configured limits
  'flaps', // the keeper takes servers out and in again
  'moves', // addresses change
  'tightLimits', // connection limits, queues
  'drain', // in the middle of everything
] as const;

export type Fault = (typeof HARMLESS_FAULTS)[number] | (typeof HARMFUL_FAULTS)[number];

/**
 * How the file descriptors of one proxy are shared: clients must not take the last one, or no server could be asked for
 * those that are here already. Pure.
 */

/** One of so many is kept for connections to servers. */
const RESERVE_SHARE = 8;
const RESERVE_MIN = 16;
/** Clients that may wait in the kernel's queue of a listening socket (net.core.somaxconn as it usually is). */
const QUEUE_MAX = 4096;

/** Those that are kept for connections to servers, of `descriptors` that there may be besides the process's own. */
export function descriptorReserve(descriptors: number): number {
  return Math.min(descriptors - 1, Math.max(RESERVE_MIN, Math.floor(descriptors / RESERVE_SHARE)));
}

/** Sockets that there may be until accepting stops. */
export function socketsMaxOf(descriptors: number): number {
  return descriptors - descriptorReserve(descriptors);
}

/** Sockets below which accepting goes on: a little less, so that it does not stop and go on for every connection. */
export function resumeBelow(socketsMax: number): number {
  return socketsMax - Math.floor(socketsMax / 64);
}

/**
 * Whether clients are to be accepted one by one: all that wait in the kernel's queues, accepted in one go, would take the
 * descriptors of servers that those need who are here already.
 */
export function acceptsSingly(descriptors: number): boolean {
  return descriptors < 4 * QUEUE_MAX;
}

/** Clients of one proxy that can all be served at the same time, each with a connection to a server. */
export function clientsServed(descriptors: number): number {
  return Math.max(1, Math.floor(descriptors / 2));
}

/** Of what a listener may have by default, a proxy that cannot serve this part is short of descriptors. */
const DEFAULT_PART = 4;

/**
 * Clients of one proxy that it has to be able to serve. `connections`: what each listener may have; `byDefault`: what one may
 * have for which no number was given. Whoever gives numbers means their sum; the default is a bound that hardly any
 * listener comes near, and several at once less so.
 */
export function clientsWanted(connections: readonly number[], byDefault: number): number {
  const given = connections.filter((most) => most !== byDefault).reduce((sum, most) => sum + most, 0);
  return connections.includes(byDefault) ? Math.max(given, Math.ceil(byDefault / DEFAULT_PART)) : given;
}

/**
 * The handle under a net.Socket. Node does not document it, but every release since 0.10 has it under this name, and its
 * own cluster and child_process modules hand handles over the same way.
 */
import type net from 'node:net';

export interface Handle {
  /** The descriptor. */
  readonly fd: number;
}

interface Owner {
  // named as Node names it
  ['_handle']: Handle | null;
}

/** Null once the socket is destroyed. */
export function handleOf(stream: net.Socket): Handle | null {
  return (stream as unknown as Owner)['_handle'];
}

/** The handle, for another net.Socket to own; `stream` must not be used any more. */
export function takeHandle(stream: net.Socket): Handle | null {
  const owner = stream as unknown as Owner;
  const handle = owner['_handle'];
  owner['_handle'] = null;
  return handle;
}

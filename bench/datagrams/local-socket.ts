import { assert } from '../../src/base/assert.ts';
import { openListeningSockets } from '../../src/io/linux/listen.ts';

/** A UDP socket bound to this port of 127.0.0.1. */
export function bindLocal(port: number): number {
  const opened = openListeningSockets(
    { address: { family: 4, host: '127.0.0.1', port }, isDual: false, isUdp: true },
    1,
  );
  assert(opened.kind === 'listening', `UDP port ${port} is taken`);
  return opened.descriptors[0];
}

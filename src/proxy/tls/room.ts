import type { Arena } from '../../base/arena.ts';
import type { Timers } from '../../base/timers.ts';
import type { Transport } from '../../port/transport.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import type { Later } from '../later.ts';

/** What the TLS connections of one proxy share. */
export interface TlsRoom {
  readonly transport: Transport;
  readonly arena: Arena;
  readonly timers: Timers;
  readonly later: Later;
  readonly gate: HandshakeGate;
}

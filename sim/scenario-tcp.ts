/** The drawn TCP clients. The server's side of each relay is drawn with it, and found by the number the client sends. */
import { addressText } from '../src/base/address.ts';
import type { Prng } from '../src/base/prng.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { FULL_PACE, type Pace } from './peers/port.ts';
import type { StreamSpec } from './peers/stream.ts';
import { drawStreams } from './scenario-http.ts';
import type { Fault } from './faults.ts';

export interface TcpClientSpec {
  readonly id: number;
  readonly seed: number;
  readonly address: string;
  readonly listener: string;
  readonly startUs: number;
  readonly client: StreamSpec;
  readonly server: StreamSpec;
  /** The server says its number before it knows the client's. */
  readonly isServerFirst: boolean;
  readonly writePace: Pace;
  readonly readPace: Pace;
}

/** Apart from the numbers of HTTP clients. */
export const FIRST_TCP_CLIENT = 1000;

export function drawTcpClients(prng: Prng, plan: Plan, faults: ReadonlySet<Fault>): TcpClientSpec[] {
  const listener = plan.listeners.find((candidate) => candidate.protocol === 'tcp');
  if (listener === undefined) return [];
  const isServerFirst = prng.oneIn(2);
  const clients: TcpClientSpec[] = [];
  const count = 1 + prng.below(8);
  for (let i = 0; i < count; i++) {
    const isSlow = faults.has('slowClients') && prng.oneIn(2);
    const slow: Pace = { sliceBytes: 100 + prng.below(3000), gapUs: 1 + prng.below(40_000) };
    clients.push({
      id: FIRST_TCP_CLIENT + i,
      seed: prng.nextU32(),
      address: `10.3.0.${1 + i}:${31_000 + i}`,
      listener: addressText(listener.binds[prng.below(listener.binds.length)].address),
      startUs: prng.below(1_500_000),
      ...drawStreams(prng, faults),
      isServerFirst,
      writePace: isSlow && prng.oneIn(2) ? slow : FULL_PACE,
      readPace: isSlow && prng.oneIn(2) ? slow : FULL_PACE,
    });
  }
  return clients;
}

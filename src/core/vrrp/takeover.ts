/** Why a router takes the addresses over when its Active_Down_Timer has fired, and from whom. */
import { formatIP } from '../../base/address.ts';
import type { Following } from './following.ts';
import type { Gates } from './gates.ts';
import { seconds } from './observer.ts';

export type Takeover = 'peer-silent' | 'released' | 'preemption' | 'nobody-heard';

export function whyTakeOver(gates: Gates, following: Following, nowUs: number): Takeover {
  const predecessor = gates.predecessor(nowUs);
  if (predecessor !== null) return predecessor.hasReleased ? 'released' : 'preemption';
  return following.router === null ? 'nobody-heard' : 'peer-silent';
}

/** For people: names the peer. */
export function describeTakeover(gates: Gates, following: Following, nowUs: number): string {
  const predecessor = gates.predecessor(nowUs);
  if (predecessor !== null) {
    const who = formatIP(predecessor.source);
    return predecessor.hasReleased ? `${who} released` : `${who} has less right`;
  }
  if (following.router === null) return 'no peer was heard';
  const { source, priority, atUs } = following.router;
  return `${formatIP(source)} of priority ${priority} was last heard ${seconds(nowUs - atUs)} s ago`;
}

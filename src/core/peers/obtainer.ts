/**
 * Which node asks authorities for certificates: the one whose name comes first, of those that are there. The next one does it in its place when it has not
 * been reached for a while. Two that do not reach each other for so long both do; that costs a certificate too many, and harms nobody.
 */

export interface PeerPresence {
  readonly name: string;
  readonly isUp: boolean;
  /** Since when it is so: of one that was never reached, since this node waits for it. */
  readonly sinceMs: number;
}

/** A machine is restarted, or its program replaced, in less. A renewal has weeks. */
export const ABSENCE_MS = 10 * 60_000;
/** One that is about to come: the authority may come to it. */
export const MOMENT_MS = 10_000;
/** One that has just come is about to send what it has. */
export const ARRIVAL_MS = 3_000;

/** The time from which on this node may ask; 0: at any time; infinite: another one does, while it is there. */
export function mayObtainAtMs(node: string, peers: readonly PeerPresence[]): number {
  return peers.reduce((atMs, peer) => {
    const isBefore = peer.name < node;
    if (peer.isUp) return isBefore ? Number.POSITIVE_INFINITY : Math.max(atMs, peer.sinceMs + ARRIVAL_MS);
    return Math.max(atMs, peer.sinceMs + (isBefore ? ABSENCE_MS : MOMENT_MS));
  }, 0);
}

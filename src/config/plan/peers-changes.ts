/** What another `peers` part changes, for people: `peer lb02: fingerprint changed`. */
import type { PeerPlan, PeersPlan } from './peers.ts';

/** Null: no peers. */
export function peersChanges(from: PeersPlan | null, to: PeersPlan | null): readonly string[] {
  const former = new Map(from?.peers.map((peer) => [peer.name, peer]));
  const changes: string[] = [];
  if (from !== null && to !== null && placeOf(from) !== placeOf(to))
    changes.push('peers: address of this node changed');
  for (const peer of to?.peers ?? []) {
    const before = former.get(peer.name);
    former.delete(peer.name);
    if (before === undefined) changes.push(`peer ${peer.name} added`);
    else changes.push(...peerChanges(before, peer));
  }
  for (const name of former.keys()) changes.push(`peer ${name} removed`);
  return changes;
}

function peerChanges(before: PeerPlan, after: PeerPlan): readonly string[] {
  const changes: string[] = [];
  if (placeOf(before) !== placeOf(after)) changes.push(`peer ${after.name}: address changed`);
  if (before.fingerprint !== after.fingerprint) changes.push(`peer ${after.name}: fingerprint changed`);
  return changes;
}

function placeOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host} ${port}`;
}

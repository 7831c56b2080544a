/**
 * What this node knows of its peers: the last word of each, how old it is, and whether it goes by the same configuration. Pure: each event brings the time, and
 * what has to be said of it is returned. A link that is lost takes nothing away: the last word gets older.
 */
import { type ConfigurationIdentity, differingParts } from './configuration-identity.ts';
import type { NodeSummary } from './node-summary.ts';

export type PairNotice =
  | { readonly kind: 'differs'; readonly parts: readonly string[]; readonly here: string; readonly there: string }
  | { readonly kind: 'agrees'; readonly digest: string }
  /** Something holds by hand there, or in another way than before. */
  | { readonly kind: 'override'; readonly subject: string; readonly said: string; readonly by: string | null }
  | { readonly kind: 'override-ended'; readonly subject: string };

export interface PeerWord {
  readonly summary: NodeSummary | null;
  readonly heardMs: number | null;
  readonly configuration: { readonly digest: string; readonly sinceMs: number } | null;
  /** Null: both go by the same, or it has not said what it goes by. */
  readonly difference: Difference | null;
}

export interface Difference {
  readonly sinceMs: number;
  readonly parts: readonly string[];
}

interface Peer {
  summary: NodeSummary | null;
  heardMs: number | null;
  identity: ConfigurationIdentity | null;
  /** On this node's clock: since when it goes by it. */
  identitySinceMs: number;
  difference: Difference | null;
}

const NOTHING: PeerWord = { summary: null, heardMs: null, configuration: null, difference: null };

export class PairView {
  private own: ConfigurationIdentity | null = null;
  private readonly peers = new Map<string, Peer>();

  /** These are the peers from now on: others are forgotten. */
  retain(names: readonly string[]): void {
    for (const name of this.peers.keys()) if (!names.includes(name)) this.peers.delete(name);
  }

  /** This node goes by this from now on. Returns what there is to say, by peer. */
  handleOwn(identity: ConfigurationIdentity, nowMs: number): ReadonlyMap<string, readonly PairNotice[]> {
    this.own = identity;
    return new Map([...this.peers].map(([name, peer]) => [name, this.compare(peer, nowMs)]));
  }

  /** `ageMs`: for so long the peer has gone by it. */
  handleConfiguration(
    name: string,
    { identity, ageMs }: { readonly identity: ConfigurationIdentity; readonly ageMs: number },
    nowMs: number,
  ): readonly PairNotice[] {
    const peer = this.peerOf(name);
    peer.heardMs = nowMs;
    peer.identity = identity;
    peer.identitySinceMs = nowMs - ageMs;
    return this.compare(peer, nowMs);
  }

  handleSummary(name: string, summary: NodeSummary, nowMs: number): readonly PairNotice[] {
    const peer = this.peerOf(name);
    const before = peer.summary?.overrides ?? [];
    peer.heardMs = nowMs;
    peer.summary = summary;
    const news = summary.overrides.filter(({ subject, said }) => {
      return !before.some((each) => each.subject === subject && each.said === said);
    });
    const ended = before.filter(({ subject }) => !summary.overrides.some((each) => each.subject === subject));
    return [
      ...news.map(({ subject, said, by }) => ({ kind: 'override', subject, said, by }) as const),
      ...ended.map(({ subject }) => ({ kind: 'override-ended', subject }) as const),
    ];
  }

  wordOf(name: string): PeerWord {
    const peer = this.peers.get(name);
    if (peer === undefined) return NOTHING;
    const { summary, heardMs, identity, identitySinceMs, difference } = peer;
    const configuration = identity === null ? null : { digest: identity.digest, sinceMs: identitySinceMs };
    return { summary, heardMs, configuration, difference };
  }

  private peerOf(name: string): Peer {
    const known = this.peers.get(name);
    if (known !== undefined) return known;
    const peer: Peer = { summary: null, heardMs: null, identity: null, identitySinceMs: 0, difference: null };
    this.peers.set(name, peer);
    return peer;
  }

  /** Says when they begin to differ, differ elsewhere, and agree again. */
  private compare(peer: Peer, nowMs: number): readonly PairNotice[] {
    const { own } = this;
    const { identity, difference } = peer;
    if (own === null || identity === null) return [];
    const parts = differingParts(own, identity);
    if (parts.join('\0') === (difference?.parts ?? []).join('\0')) return [];
    if (parts.length === 0) {
      peer.difference = null;
      return [{ kind: 'agrees', digest: own.digest }];
    }
    peer.difference = { sinceMs: difference?.sinceMs ?? nowMs, parts };
    return [{ kind: 'differs', parts, here: own.digest, there: identity.digest }];
  }
}

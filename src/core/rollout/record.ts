/** What a fleet agrees on: one record in a store, which every node reads, and which changes only by who has read what it replaces. */

export interface Version {
  readonly version: number;
  /** As evenkeel.yaml would have it. */
  readonly configuration: unknown;
}

export interface RolloutRecord extends Version {
  /** Who has it; null: everybody. */
  readonly nodes: readonly string[] | null;
  /** What the others have. Null: what they have now, which is nobody's concern. */
  readonly former: Version | null;
  /** It is not gone on with: who has it goes back to the former one. */
  readonly stopped: { readonly why: string; readonly by: string } | null;
  /** How long a node looks whether errors rise, before it keeps what it has got. */
  readonly watchMs: number;
  /** Who has published it. */
  readonly by: string;
}

/** What a node says of itself, for as long as it is there. */
export interface NodeReport {
  readonly node: string;
  /** What it has; null: it has got nothing yet. */
  readonly version: number | null;
  /** What it has seen that it should have; null: whatever it has. */
  readonly wanted: number | null;
  /** `keeps`: for good. `watches`: it looks whether errors rise. `refuses`: another version is wanted, and cannot be, or has not gone well. */
  readonly state: 'keeps' | 'watches' | 'refuses';
  /** Of the version that is wanted, why it does not have it; empty: it has. */
  readonly why: string;
}

/** What a node should have. Null: whatever it has. */
export function wantedBy(record: RolloutRecord, node: string): Version | null {
  const isFor = record.stopped === null && (record.nodes === null || record.nodes.includes(node));
  return isFor ? record : record.former;
}

/** What a new version comes after: what all nodes have, or had before the last one was begun. */
export function foundation(record: RolloutRecord | null): Version | null {
  if (record === null) return null;
  const { configuration, former, nodes, stopped, version } = record;
  return stopped === null && nodes === null ? { version, configuration } : former;
}

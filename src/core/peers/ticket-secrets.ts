/**
 * The secrets that session tickets are made with, of all nodes that this one has heard of. New tickets are made with that of the node whose name comes first, so that all
 * nodes give the same; those of the others are taken. One that a node had before is taken too: it was restarted, and its tickets are out there.
 */
const KEPT = 2;

/** The newest of each first. */
export type SecretsByNode = { readonly [node: string]: readonly string[] };

export class TicketSecrets {
  private readonly byNode: Map<string, readonly string[]>;

  /** `known`: what another one had as `memory`. */
  constructor(known: SecretsByNode = {}) {
    this.byNode = new Map(Object.entries(known));
  }

  get memory(): SecretsByNode {
    return Object.fromEntries(this.byNode);
  }

  /** A node has this secret. False: that is known. */
  handleSecret(node: string, secret: string): boolean {
    const known = this.byNode.get(node) ?? [];
    if (known[0] === secret) return false;
    this.byNode.set(node, [secret, ...known.filter((one) => one !== secret)].slice(0, KEPT));
    return true;
  }

  /** The first one is for new tickets. */
  list(): readonly string[] {
    const nodes = [...this.byNode].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, secrets]) => secrets);
    return [...new Set([...nodes.map(([newest]) => newest), ...nodes.flatMap(([, ...former]) => former)])];
  }
}

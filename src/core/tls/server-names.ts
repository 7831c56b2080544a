/**
 * Which entry of a TLS listener a client gets by the host that it names (RFC 6066 section 3): that with this very name, else that with a
 * wildcard for it, which stands for one label (RFC 9525 section 6.3).
 */
export class ServerNames {
  private readonly exact = new Map<string, number>();
  /** By what follows the asterisk, with its dot. */
  private readonly wildcards = new Map<string, number>();

  /** Of each entry, lower-case names. Of two entries with the same name the first one has it. */
  constructor(entries: readonly { readonly names: readonly string[] }[]) {
    for (const [index, { names }] of entries.entries()) {
      for (const name of names) {
        const isWildcard = name.startsWith('*.');
        const table = isWildcard ? this.wildcards : this.exact;
        const key = isWildcard ? name.slice(1) : name;
        if (!table.has(key)) table.set(key, index);
      }
    }
  }

  /** The index of the entry for this lower-case name; -1: there is none. */
  find(name: string): number {
    const host = name.endsWith('.') ? name.slice(0, -1) : name;
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    const dot = host.indexOf('.');
    return dot > 0 ? (this.wildcards.get(host.slice(dot)) ?? -1) : -1;
  }
}

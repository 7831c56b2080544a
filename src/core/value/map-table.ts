/** Which line of a map a text has: the text itself, a host that it is, an expression that it matches, or none of them. */
import { CapturingRegex } from '../../base/regex/regex.ts';
import type { MapPlan } from '../../config/plan/value.ts';
import { NameTable } from './name-table.ts';

const DOT = 0x2e;

export class MapTable {
  /** What stands behind each line, the last one for texts without one. */
  readonly texts: readonly string[];
  private readonly exact: NameTable;
  private readonly suffixes: NameTable;
  private readonly prefixes: NameTable;
  private readonly hasHosts: boolean;
  private readonly regexes: readonly CapturingRegex[];
  private readonly firstRegex: number;

  constructor(plan: Pick<MapPlan, 'exact' | 'hosts' | 'regexes' | 'otherwise'>) {
    const suffixes = plan.hosts.filter(([host]) => host.startsWith('*.'));
    const prefixes = plan.hosts.filter(([host]) => host.endsWith('.*'));
    this.hasHosts = plan.hosts.length > 0;
    this.exact = tableOf(
      plan.exact.map(([text]) => text),
      0,
    );
    this.suffixes = tableOf(
      suffixes.map(([host]) => host.slice(2)),
      plan.exact.length,
    );
    this.prefixes = tableOf(
      prefixes.map(([host]) => host.slice(0, -2)),
      plan.exact.length + suffixes.length,
    );
    this.firstRegex = plan.exact.length + suffixes.length + prefixes.length;
    this.regexes = plan.regexes.map(([regex]) => new CapturingRegex(regex));
    this.texts = [
      ...[...plan.exact, ...suffixes, ...prefixes, ...plan.regexes].map(([, text]) => text),
      plan.otherwise,
    ];
  }

  /** The index of the line in `texts`. */
  find(bytes: Uint8Array, at: number, length: number): number {
    let end = at + length;
    if (this.hasHosts && end > at && bytes[end - 1] === DOT) end--;
    const exact = this.exact.find(bytes, at, end - at);
    if (exact >= 0) return exact;
    if (this.hasHosts) {
      const host = this.findHost(bytes, at, end);
      if (host >= 0) return host;
    }
    for (let i = 0; i < this.regexes.length; i++) {
      if (this.regexes[i].exec(bytes, at, length)) return this.firstRegex + i;
    }
    return this.texts.length - 1;
  }

  /** The expression of a line, with what it has captured last; null: the line has none. */
  regexOf(line: number): CapturingRegex | null {
    return this.regexes[line - this.firstRegex] ?? null;
  }

  /** The longest name behind `*.`, then the longest in front of `.*`. */
  private findHost(bytes: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      if (bytes[i] !== DOT || i === at) continue;
      const suffix = this.suffixes.find(bytes, i + 1, end - i - 1);
      if (suffix >= 0) return suffix;
    }
    for (let i = end - 1; i > at; i--) {
      if (bytes[i] !== DOT) continue;
      const prefix = this.prefixes.find(bytes, at, i - at);
      if (prefix >= 0) return prefix;
    }
    return -1;
  }
}

function tableOf(names: readonly string[], first: number): NameTable {
  return NameTable.of(new Map(names.map((name, i) => [name, first + i])));
}

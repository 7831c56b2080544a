/** What a front-end for nginx.conf has to say about a file, each at its place; what is said of many directives is said once. */
import type { Diagnostic, Place } from '../findings/diagnostic.ts';
import { diagnose, problem } from '../findings/diagnostic.ts';

export class Notes {
  private readonly list: Diagnostic[] = [];
  /** By reason: the names of directives, and where the first of them is. */
  private readonly left = new Map<string, { readonly names: Set<string>; readonly place: Place }>();
  private readonly withoutEffect = new Set<string>();
  private withoutEffectPlace: Place | null = null;
  /** Blocks of which something was left out because it was wrong. */
  private readonly lacking = new WeakSet<readonly object[]>();
  /** These have an effect, whatever the table says of them. */
  private readonly effective: ReadonlySet<string>;

  constructor(effective: ReadonlySet<string> = new Set()) {
    this.effective = effective;
  }

  /** nginx would not start. */
  error(place: Place, reason: string, fix: string): void {
    this.list.push(diagnose(problem('directive-wrong', { reason, fix }), place));
  }

  setLacking(block: readonly object[]): void {
    this.lacking.add(block);
  }

  isLacking(block: readonly object[]): boolean {
    return this.lacking.has(block);
  }

  /** Something has to be in this block. Not said where it may be what was wrong in it. */
  missing(block: readonly object[], place: Place, reason: string, fix: string): void {
    if (!this.lacking.has(block)) this.error(place, reason, fix);
  }

  /** nginx would start, and evenkeel cannot do the same. */
  notYet(place: Place, what: string, reason: string, fix = 'leave it out, or keep nginx for this part'): void {
    this.list.push(diagnose(problem('directive-not-yet', { what, reason, fix }), place));
  }

  trap(place: Place, what: string, fix: string): void {
    this.list.push(diagnose(problem('directive-trap', { what, fix }), place));
  }

  leftOut(place: Place, name: string, reason: string): void {
    if (this.effective.has(name)) return;
    const entry = this.left.get(reason) ?? { names: new Set(), place };
    entry.names.add(name);
    this.left.set(reason, entry);
  }

  noEffect(place: Place, name: string): void {
    if (this.effective.has(name)) return;
    this.withoutEffectPlace ??= place;
    this.withoutEffect.add(name);
  }

  get hasErrors(): boolean {
    return this.list.some(({ severity }) => severity === 'error');
  }

  /** Something is not in the document because it was refused. */
  get lacksParts(): boolean {
    return this.list.some(({ severity }) => severity === 'unsupported');
  }

  get diagnostics(): readonly Diagnostic[] {
    const all = [...this.list];
    for (const [reason, { names, place }] of this.left) {
      all.push(diagnose(problem('directive-left-out', { keywords: quoted(names), reason }), place));
    }
    if (this.withoutEffectPlace !== null) {
      const keywords = quoted(this.withoutEffect);
      all.push(diagnose(problem('directives-without-effect', { keywords, program: 'nginx' }), this.withoutEffectPlace));
    }
    return all;
  }
}

function quoted(names: ReadonlySet<string>): string {
  return [...names].map((name) => `\`${name}\``).join(', ');
}

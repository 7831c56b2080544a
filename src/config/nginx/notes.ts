/** What a front-end for nginx.conf has to say about a file, each at its place; what is said of many directives is said once. */
import type { Diagnostic, Place } from '../diagnostic.ts';
import { diagnose, problem } from '../diagnostic.ts';

export class Notes {
  private readonly list: Diagnostic[] = [];
  /** By reason: the names of directives, and where the first of them is. */
  private readonly notYet = new Map<string, { readonly names: Set<string>; readonly place: Place }>();
  private readonly withoutEffect = new Set<string>();
  private withoutEffectPlace: Place | null = null;

  /** nginx would not start. */
  error(place: Place, reason: string, fix: string): void {
    this.list.push(diagnose(problem('nginx-error', { reason, fix }), place));
  }

  /** nginx would start, and evenkeel cannot do the same. */
  refuse(place: Place, what: string, reason: string, fix = 'leave it out, or keep nginx for this part'): void {
    this.list.push(diagnose(problem('nginx-refused', { what, reason, fix }), place));
  }

  warn(place: Place, reason: string, fix: string): void {
    this.list.push(diagnose(problem('nginx-trap', { reason, fix }), place));
  }

  addNotYet(place: Place, name: string, reason: string): void {
    const entry = this.notYet.get(reason) ?? { names: new Set(), place };
    entry.names.add(name);
    this.notYet.set(reason, entry);
  }

  addNoEffect(place: Place, name: string): void {
    this.withoutEffectPlace ??= place;
    this.withoutEffect.add(name);
  }

  get hasErrors(): boolean {
    return this.list.some(({ severity }) => severity === 'error');
  }

  /** Something is not in the document because it was refused. */
  get hasRefusals(): boolean {
    return this.list.some(({ severity }) => severity === 'unsupported');
  }

  get diagnostics(): readonly Diagnostic[] {
    const all = [...this.list];
    for (const [reason, { names, place }] of this.notYet) {
      all.push(diagnose(problem('nginx-not-yet', { names: quoted(names), reason }), place));
    }
    if (this.withoutEffectPlace !== null) {
      all.push(diagnose(problem('nginx-no-effect', { names: quoted(this.withoutEffect) }), this.withoutEffectPlace));
    }
    return all;
  }
}

function quoted(names: ReadonlySet<string>): string {
  return [...names].map((name) => `\`${name}\``).join(', ');
}

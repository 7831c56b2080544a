/** A block and those around it: what is not written inside holds as written outside. */
import { ruleIn } from './directive-table.ts';
import type { Directive } from './parse.ts';

export class Scope {
  readonly context: string;
  readonly directives: readonly Directive[];
  readonly outer: Scope | null;
  /** Of a `location =`, and of a block in one: the only path that there can be. */
  readonly exactPath: string | null;
  private readonly byName = new Map<string, Directive[]>();

  constructor(context: string, directives: readonly Directive[], outer: Scope | null, exactPath?: string | null) {
    this.context = context;
    this.directives = directives;
    this.outer = outer;
    this.exactPath = exactPath ?? outer?.exactPath ?? null;
    for (const directive of directives) {
      // What does not belong here has been reported.
      if (ruleIn(directive.name, context) === null) continue;
      const list = this.byName.get(directive.name);
      if (list === undefined) this.byName.set(directive.name, [directive]);
      else list.push(directive);
    }
  }

  /** Those of this block alone. */
  own(name: string): readonly Directive[] {
    return this.byName.get(name) ?? [];
  }

  /** Those of the innermost block that has any: none of an outer block is added to them. */
  all(name: string): readonly Directive[] {
    return this.byName.get(name) ?? this.outside(name);
  }

  /** Those of the nearest outer block that has any. */
  outside(name: string): readonly Directive[] {
    return this.outer === null ? [] : this.outer.all(name);
  }

  find(name: string): Directive | null {
    return this.all(name)[0] ?? null;
  }

  /** Its only argument, or the first one. */
  argument(name: string): string | null {
    return this.find(name)?.args[0]?.text ?? null;
  }
}

/** Contexts by what they are made of: one for all who use it, for as long as somebody does. */
import { assert } from '../../base/assert.ts';
import type { TlsContext } from '../../port/tls.ts';

export interface SharedContext {
  readonly key: string;
  readonly context: TlsContext;
  /** Of one for clients: the identifier of the keys of its tickets; null: it gives none. */
  readonly tickets: string | null;
  users: number;
}

export class SharedContexts {
  private readonly shared = new Map<string, SharedContext>();

  take(key: string, make: () => TlsContext, tickets: string | null = null): SharedContext {
    const known = this.shared.get(key);
    if (known !== undefined) {
      known.users++;
      return known;
    }
    const made = { key, context: make(), tickets, users: 1 };
    this.shared.set(key, made);
    return made;
  }

  /** Takes one `take` back. */
  give(one: SharedContext): void {
    one.users--;
    if (one.users > 0) return;
    this.shared.delete(one.key);
    one.context.free();
  }

  /** One more use of one that somebody has. */
  share(key: string): SharedContext {
    const known = this.shared.get(key);
    assert(known !== undefined, 'a TLS context that nobody has prepared');
    known.users++;
    return known;
  }

  [Symbol.iterator](): Iterator<SharedContext> {
    return this.shared.values();
  }
}

/** What a plan calls by this identifier. */
export function findMaterial<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const found = all.find((one) => one.id === id);
  if (found === undefined) throw new Error(`what the plan calls ${id} did not come with it`);
  return found;
}

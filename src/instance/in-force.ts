/**
 * What the proxies go by: what the file says, what is said by hand, and what authorities look for, put together as one plan. All of it
 * changes here, one change after the other: whole, or not at all.
 */
import { withFound } from '../config/plan/found-servers.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { ProxyProof } from '../keeper/acme/challenges.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Order, Overrides, Proposal } from '../keeper/overrides.ts';
import type { Loaded } from '../load/load.ts';
import type { Certificates } from '../load/tls/certificates.ts';
import type { TlsMaterial } from '../port/tls.ts';
import type { Discoveries } from './discovery/discoveries.ts';
import { ProxyProofs } from './proxy-proofs.ts';

export interface InForceOptions {
  readonly loaded: Loaded;
  readonly keeper: Pick<Keeper, 'start' | 'apply'>;
  readonly overrides: Pick<Overrides, 'propose'>;
  readonly discoveries: Pick<Discoveries, 'foundFor' | 'apply'>;
}

export interface Application {
  /** Null: nobody says anything new by hand. */
  readonly order?: Order | null;
  /** What has to succeed when the proxies go by it; if it rejects, all is as it was. */
  readonly next?: () => Promise<void>;
}

export class InForce {
  private readonly options: InForceOptions;
  private file: Loaded;
  private next: Loaded;
  private proofs = new ProxyProofs();
  private changing: Promise<unknown> = Promise.resolve();

  constructor(options: InForceOptions) {
    this.options = options;
    this.file = options.loaded;
    this.next = options.loaded;
  }

  /** The file. */
  get loaded(): Loaded {
    return this.file;
  }

  /** The same, or the one that is being applied. */
  get wanted(): Loaded {
    return this.next;
  }

  /** Of the file, with the servers that were found. */
  get plan(): Plan {
    return this.planOf(this.file);
  }

  get certificates(): Certificates {
    return this.file.ready.certificates;
  }

  /**
   * The file and what is said by hand change one after the other, and an upgrade begins after those before it: the successor reads
   * both once.
   */
  change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.changing.then(change);
    this.changing = changed.catch(() => undefined);
    return changed;
  }

  // --- to be called before any change, or in one ---

  /** As Keeper's. */
  async start(): Promise<string> {
    const { plan, material, commit } = this.propose(this.file);
    const served = await this.options.keeper.start(plan, material);
    commit();
    this.options.discoveries.apply(this.file.ready.plan);
    return served;
  }

  /** Goes on by this file. Resolves with what has been ordered, for people; rejects as Keeper's `apply`, and as `next`. */
  async apply(loaded: Loaded, { order = null, next = async () => undefined }: Application = {}): Promise<string> {
    const { keeper } = this.options;
    const { plan, material, commit } = this.propose(loaded, order);
    this.next = loaded;
    try {
      await keeper.apply(plan, material);
      await next().catch(async (error: unknown) => {
        this.next = this.file;
        const former = this.propose(this.file);
        await keeper.apply(former.plan, former.material);
        throw error;
      });
      this.file = loaded;
    } finally {
      this.next = this.file;
    }
    this.options.discoveries.apply(loaded.ready.plan);
    return commit();
  }

  /** Has the proxies answer authorities by these. */
  async publish(proofs: readonly ProxyProof[]): Promise<void> {
    const former = this.proofs;
    this.proofs = new ProxyProofs(proofs);
    try {
      await this.apply(this.file);
    } catch (error) {
      this.proofs = former;
      throw error;
    }
  }

  /** Of the certificates: they cannot be used as they are on disk, and what is in force stays. */
  note(certificates: Certificates): void {
    this.file = withReady(this.file, { certificates });
    this.next = this.file;
  }

  // --- inside ---

  private planOf({ ready }: Loaded): Plan {
    return withFound(ready.plan, this.options.discoveries.foundFor(ready.plan));
  }

  private propose(loaded: Loaded, order: Order | null = null): Proposal & { readonly material: TlsMaterial } {
    const { plan, commit } = this.options.overrides.propose(this.proofs.addTo(this.planOf(loaded)), order);
    return { plan, commit, material: this.proofs.addToMaterial(loaded.ready.certificates) };
  }
}

/** The same file, of which something on this machine is different. */
export function withReady(loaded: Loaded, ready: Partial<Loaded['ready']>): Loaded {
  return { ...loaded, ready: { ...loaded.ready, ...ready } };
}

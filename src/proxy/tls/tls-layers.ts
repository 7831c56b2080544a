/**
 * TLS for the listeners of a proxy, from plan to plan. Contexts that two plans or two listeners have in common are one, so a reload
 * makes none anew; one that no plan has any more goes when the last handshake that began by it is over, and OpenSSL keeps
 * what its sessions need.
 */
import type { ListenerPlan, TlsEntryPlan, TlsPlan } from '../../config/plan.ts';
import type { Credential, Secrets, Tls, TlsContext } from '../../port/tls.ts';
import type { RequestHead } from '../../wire/http1/head.ts';
import type { Layer } from '../layer.ts';
import type { TlsRoom } from './room.ts';
import { TlsLayer } from './tls-layer.ts';

/** One for all who use it. */
interface SharedContext {
  readonly key: string;
  readonly context: TlsContext;
  users: number;
}

export interface TlsLayersOptions {
  readonly room: TlsRoom;
  /** Called when a plan has TLS for the first time. */
  readonly open: () => Tls;
  readonly head: RequestHead;
  /** A handshake with a client of this listener came to nothing. */
  readonly onFailure: (listener: string, failure: string) => void;
}

export class TlsLayers {
  private readonly options: TlsLayersOptions;
  private tls: Tls | null = null;
  private readonly shared = new Map<string, SharedContext>();
  /** Of the plan that holds. */
  private layers: TlsLayer[] = [];
  private former: readonly TlsLayer[] = [];
  private secrets: Secrets | null = null;

  constructor(options: TlsLayersOptions) {
    this.options = options;
  }

  /** A plan with these secrets is applied. `layerOf` follows for each of its listeners, and `end`. */
  begin(secrets: Secrets): void {
    this.former = this.layers;
    this.layers = [];
    this.secrets = secrets;
    for (const { context } of this.shared.values()) context.setTicketKey(secrets.ticketKey);
  }

  layerOf(listener: ListenerPlan): Layer | null {
    const { tls: plan } = listener;
    if (plan === null) return null;
    const { head, onFailure, open, room } = this.options;
    this.tls ??= open();
    const shared = plan.entries.map((entry) => this.take(plan, entry));
    const layer = new TlsLayer({
      room,
      tls: this.tls,
      plan,
      contexts: shared.map(({ context }) => context),
      isHttp: listener.protocol === 'http',
      head,
      onFailure: (failure) => onFailure(listener.name, failure),
      onUnused: () => this.giveBack(shared),
    });
    this.layers.push(layer);
    return layer;
  }

  end(): void {
    for (const layer of this.former) layer.retire();
    this.former = [];
    // keys that are in contexts now need not be here too
    this.secrets = null;
  }

  private take(plan: TlsPlan, entry: TlsEntryPlan): SharedContext {
    const { versions, ciphers, suites, groups, prefersOwnOrder } = plan;
    const settings = { versions, ciphers, suites, groups, prefersOwnOrder };
    const key = JSON.stringify([settings, entry.credentials]);
    const known = this.shared.get(key);
    if (known !== undefined) {
      known.users++;
      return known;
    }
    const secrets = this.secrets as Secrets;
    const context = (this.tls as Tls).createContext(
      settings,
      entry.credentials.map((id) => credentialOf(secrets, id)),
    );
    context.setTicketKey(secrets.ticketKey);
    const made = { key, context, users: 1 };
    this.shared.set(key, made);
    return made;
  }

  private giveBack(shared: readonly SharedContext[]): void {
    for (const one of shared) {
      one.users--;
      if (one.users > 0) continue;
      this.shared.delete(one.key);
      one.context.free();
    }
  }
}

function credentialOf({ credentials }: Secrets, id: string): Credential {
  const credential = credentials.find((one) => one.id === id);
  if (credential === undefined) throw new Error(`the certificate ${id} of the plan did not come with it`);
  return credential;
}

/**
 * TLS for the listeners of a proxy, from plan to plan. Contexts are made before a plan is applied, so that one that OpenSSL refuses
 * changes nothing. Contexts that two plans or two listeners have in common are one, so a reload
 * makes none anew; one that no plan has any more goes when the last handshake that began by it is over, and OpenSSL keeps
 * what its sessions need.
 */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { TlsClientsPlan, TlsEntryPlan, TlsPlan } from '../../config/plan/tls.ts';
import { policyText } from '../../core/tls/client-policies.ts';
import type { AskedOfClients, Secrets, Tls, TlsContext } from '../../port/tls.ts';
import type { RequestHead } from '../../wire/http1/head.ts';
import type { Layer } from '../layer.ts';
import type { TlsRoom } from './room.ts';
import { findMaterial, type SharedContext, SharedContexts } from './shared-contexts.ts';
import { TlsLayer } from './tls-layer.ts';

/** Of each entry of a listener's plan, ready to be used by it. */
export type PreparedContexts = readonly SharedContext[];

export interface TlsLayersOptions {
  readonly room: TlsRoom;
  /** Called when a plan has TLS for the first time. */
  readonly open: () => Tls;
  readonly head: RequestHead;
  /** A handshake with a client is done. */
  readonly onDone: (listener: ListenerPlan, isResumed: boolean) => void;
  /** It came to nothing. */
  readonly onFailure: (listener: ListenerPlan, failure: string) => void;
  /** The certificate of a client is refused. */
  readonly onDistrust: (listener: string, cause: string) => void;
  /** One was not begun, since there are too many. */
  readonly onRefused: (listener: ListenerPlan) => void;
}

export class TlsLayers {
  private readonly options: TlsLayersOptions;
  private tls: Tls | null = null;
  private readonly contexts = new SharedContexts();
  /** Of the plan that holds. */
  private layers: TlsLayer[] = [];
  private former: readonly TlsLayer[] = [];

  constructor(options: TlsLayersOptions) {
    this.options = options;
  }

  /**
   * The contexts of a listener of a plan that is to be applied, one in each step. They are to be given to `layerOf`, or back. Throws TlsRefusal, with
   * nothing kept, where one cannot be made.
   */
  *prepare(plan: TlsPlan, secrets: Secrets): Generator<undefined, PreparedContexts> {
    this.tls ??= this.options.open();
    const taken: SharedContext[] = [];
    try {
      for (const entry of [...plan.entries, ...(plan.challenges ?? [])]) {
        taken.push(this.take(this.tls, plan, entry, secrets));
        yield;
      }
    } catch (error) {
      this.giveBack(taken);
      throw error;
    }
    return taken;
  }

  /** A plan with these secrets is applied. `layerOf` follows for each of its listeners, and `end`. */
  begin(secrets: Secrets): void {
    this.former = this.layers;
    this.layers = [];
    for (const { context, tickets } of this.contexts) context.setTicketKeys(ticketKeysOf(secrets, tickets));
  }

  /** `prepared`: of its plan. */
  layerOf(listener: ListenerPlan, prepared: PreparedContexts): Layer | null {
    const { tls: plan } = listener;
    if (plan === null) return null;
    const { head, onDistrust, onDone, onFailure, onRefused, room } = this.options;
    const layer = new TlsLayer({
      room,
      tls: this.tls as Tls,
      plan,
      contexts: prepared.map(({ context }) => context),
      isHttp: listener.protocol === 'http',
      head,
      onDone: (isResumed) => onDone(listener, isResumed),
      onFailure: (failure) => onFailure(listener, failure),
      onDistrust: (cause) => onDistrust(listener.name, cause),
      onRefused: () => onRefused(listener),
      onUnused: () => this.giveBack(prepared),
    });
    this.layers.push(layer);
    return layer;
  }

  end(): void {
    for (const layer of this.former) layer.retire();
    this.former = [];
  }

  private take(tls: Tls, plan: TlsPlan, entry: TlsEntryPlan, secrets: Secrets): SharedContext {
    const { versions, ciphers, suites, groups, prefersOwnOrder, tickets, keepsSessions, sessionSeconds } = plan;
    const policy = policyText(entry.clients);
    const choosesEarly =
      plan.challenges !== undefined || plan.entries.some(({ clients }) => policyText(clients) !== policy);
    const settings = { versions, ciphers, suites, groups, prefersOwnOrder };
    const key = JSON.stringify([
      settings,
      entry.credentials,
      policy,
      choosesEarly,
      tickets,
      keepsSessions,
      sessionSeconds,
    ]);
    const make = (): TlsContext => {
      const context = tls.createContext(
        settings,
        entry.credentials.map((id) => findMaterial(secrets.credentials, id)),
        {
          keepsSessions,
          sessionSeconds,
          choosesEarly,
          asked: entry.clients === null ? null : askedOf(secrets, entry.clients),
        },
      );
      context.setTicketKeys(ticketKeysOf(secrets, tickets));
      return context;
    };
    return this.contexts.take(key, make, tickets);
  }

  giveBack(prepared: PreparedContexts): void {
    for (const one of prepared) this.contexts.give(one);
  }
}

/** None: there are no tickets, or none any more, since no plan has these keys. */
function ticketKeysOf({ ticketKeys }: Secrets, id: string | null): readonly Uint8Array[] {
  return ticketKeys.find((one) => one.id === id)?.keys ?? [];
}

function askedOf(secrets: Secrets, clients: TlsClientsPlan): AskedOfClients {
  const { authorities: id, depth } = clients;
  const authorities = id === null ? null : findMaterial(secrets.authorities, id);
  return { authorities, depth, policy: policyText(clients) };
}

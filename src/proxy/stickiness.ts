/**
 * Which server of an upstream a client belongs to, by what its requests say. Where that server takes no more of its clients, they go
 * where everybody goes, and belong there from then on.
 */
import type { StickyPlan } from '../config/plan/upstream.ts';
import { parseHex } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/text.ts';
import { Claim } from '../core/sticky/claim.ts';
import { IdTable } from '../core/sticky/id-table.ts';
import { serverId } from '../core/sticky/server-id.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { Span } from '../core/value/span.ts';
import type { Server } from './server.ts';

/** Those that have one identifier: mostly one. */
export type Owners = readonly Server[];

const NOTHING = new Uint8Array(0);
const said = new Span();

export interface Stickiness {
  /** The servers, or what is known of one of them, have changed. */
  update(servers: readonly Server[]): void;
  /** Null: the request in the view belongs to none. */
  find(view: RequestView): Owners | null;
}

/** Requests name their servers. */
export class NamedServers implements Stickiness {
  private readonly plan: StickyPlan;
  private readonly key: Uint8Array | null;
  private readonly claim: Claim;
  private owners = new IdTable<Owners>(new Map());
  /** By address. */
  private idsByAddress: ReadonlyMap<string, string> = new Map();

  constructor(plan: StickyPlan) {
    this.plan = plan;
    this.key = plan.key === null ? null : parseHex(plan.key);
    this.claim = new Claim(plan);
  }

  update(servers: readonly Server[]): void {
    const owners = new Map<string, Server[]>();
    const idsByAddress = new Map<string, string>();
    for (const server of servers) {
      const id = this.idOf(server, idsByAddress);
      server.stickyId = id === '' ? NOTHING : encodeUtf8(id);
      if (id === '') continue;
      const others = owners.get(id);
      if (others === undefined) owners.set(id, [server]);
      else others.push(server);
    }
    this.idsByAddress = idsByAddress;
    this.owners = new IdTable(owners);
  }

  /** Empty: it has none. */
  private idOf({ addressText, plan }: Server, known: Map<string, string>): string {
    if (plan.id !== undefined) return plan.id;
    if (this.plan.cookie === null || addressText === '') return '';
    const id = this.idsByAddress.get(addressText) ?? serverId(addressText, this.key);
    known.set(addressText, id);
    return id;
  }

  find(view: RequestView): Owners | null {
    return this.claim.find(view, said) ? this.owners.find(said.bytes, said.at, said.length) : null;
  }
}

/**
 * What the keeper does for the virtual routers of one node: what it watches, whom it asks, and what it has run. The routers
 * themselves are in the plan of their owner. Serialisable as JSON. Shapes only; `config/compile/ha.ts` makes it.
 */
import type { EtcdPlan } from './etcd.ts';
import type { Command } from '../words/command.ts';
import type { ServerAddress } from '../words/addresses.ts';
import type { VipPlan } from './vip.ts';

export interface HaPlan {
  /** Which node this is. */
  readonly node: string;
  readonly vip: VipPlan;
  /** Each once, however many routers depend on it. */
  readonly watches: readonly WatchPlan[];
  /** In the order of `vip.routers`. */
  readonly routers: readonly HaRouterPlan[];
}

export interface HaRouterPlan {
  readonly name: string;
  /** For each of the vip plan's `tracked` of this router: its index in `watches`; null: their owner follows it itself. */
  readonly watches: readonly (number | null)[];
  readonly witnesses: WitnessesPlan | null;
  readonly lease: LeasePlan | null;
  /** How to see that its addresses serve, where they are; null: by the listeners. */
  readonly serves: ServesPlan | null;
  readonly notify: readonly NotifyPlan[];
}

/** A lease that one node has at a time, in etcd. */
export interface LeasePlan extends EtcdPlan {
  readonly key: string;
  readonly ttlMs: number;
}

export type WatchPlan =
  /** Every proxy serves, and every listener has an address. */
  | { readonly kind: 'proxy' }
  /** Virtual routers have theirs followed by their owner, and not by this. */
  | { readonly kind: 'interface'; readonly interfaceName: string }
  | ScriptPlan
  | ProcessPlan
  | FilePlan
  | { readonly kind: 'upstream'; readonly upstream: string };

/** The number in a file. */
export interface FilePlan {
  readonly kind: 'file';
  readonly path: string;
  /** What is written there at first; null: nothing is. */
  readonly init: { readonly value: number; readonly isOverwriting: boolean } | null;
}

export interface ProcessPlan {
  readonly kind: 'process';
  readonly processName: string;
  /** Null: whatever its arguments are. */
  readonly arguments: readonly string[] | null;
  readonly match: 'exact' | 'first' | 'prefix';
}

export interface ScriptPlan {
  readonly kind: 'script';
  /** For log and status; null: that of its program. */
  readonly name: string | null;
  readonly run: Command;
  readonly recover: Command | null;
  readonly recoverTimeoutMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** Of these the first that there is. Null: the default one. */
  readonly user: readonly string[] | null;
}

export interface WitnessesPlan {
  readonly of: readonly WitnessPlan[];
  /** How many must answer. */
  readonly quorum: number;
  /** The router's own: how soon a witness that does not answer is given up. */
  readonly advertiseMs: number;
}

export interface WitnessPlan {
  /** As written, for people. */
  readonly name: string;
  readonly target: ServerAddress['target'];
  /** Null: that the address accepts a TCP connection is enough. */
  readonly http: { readonly path: string; readonly host: string } | null;
}

export interface ServesPlan {
  readonly port: number;
  /** A path; null: that the port accepts a TCP connection is enough. */
  readonly http: string | null;
}

export interface NotifyPlan {
  readonly active: Command | null;
  readonly backup: Command | null;
  readonly fault: Command | null;
  readonly stop: Command | null;
  /** What stands behind their own arguments: of whom, and the priority that is told; null: that of the router. */
  readonly told: {
    readonly whose: 'INSTANCE' | 'GROUP';
    readonly name: string;
    readonly priority: number | null;
  } | null;
  readonly timeoutMs: number;
  /** Of these the first that there is. Null: the default one. */
  readonly user: readonly string[] | null;
  /** Changes are written there, and no program is run; null: programs are run. */
  readonly fifo: FifoPlan | null;
}

export interface FifoPlan {
  readonly path: string;
  /** A program that is there as long as the FIFO, and gets its path; null: somebody else reads it. */
  readonly reader: Command | null;
  /** Whose it is, and who reads it. Null: the default one. */
  readonly user: readonly string[] | null;
}

/** Health checks of servers, and what is run when something changes. */
import type { Address } from '../../base/address.ts';
import type { Command } from '../words/command.ts';
import type { ServersTlsPlan } from './tls.ts';

/** What is run when something is up, is not any more, and when evenkeel stops while it is. */
export interface UpDownPrograms {
  readonly up: Command | null;
  readonly down: Command | null;
  readonly stop: Command | null;
  readonly timeoutMs: number;
  /** Of these the first that there is. Null: the default one. */
  readonly users: readonly string[] | null;
}

/** How much weight must be up. It is there from `weight` + `hysteresis` on, and lost below `weight` - `hysteresis`. */
export interface QuorumPlan {
  readonly weight: number;
  readonly hysteresis: number;
  readonly programs: UpDownPrograms | null;
}

export interface HealthPlan {
  readonly probe:
    | { readonly kind: 'tcp' }
    | { readonly kind: 'mysql'; readonly user: string }
    | { readonly kind: 'postgres'; readonly user: string }
    /** Asked over HTTP/2. `service` empty: the server as a whole. */
    | { readonly kind: 'grpc'; readonly service: string }
    | { readonly kind: 'redis' }
    | { readonly kind: 'ssh' }
    /** Of this node: a number other than 0 in it says that the server is down. */
    | { readonly kind: 'file'; readonly path: string }
    /** `users`: of these the first that there is. Null: the default one. */
    | {
        readonly kind: 'run';
        readonly command: Command;
        readonly users: readonly string[] | null;
        /** Its exit code says the server's weight. */
        readonly saysWeight: boolean;
      }
    /** Over UDP. */
    | { readonly kind: 'dns'; readonly name: string }
    /** A datagram is no trouble; `send` null: with nothing in it. */
    | { readonly kind: 'udp'; readonly send: string | null }
    /** `send` null: the server speaks first. `expect`: a regular expression for the first 16 KiB. */
    | {
        readonly kind: 'expect';
        readonly send: string | null;
        readonly expect: string;
        readonly transport: 'tcp' | 'udp';
      }
    | {
        readonly kind: 'http';
        /** As of the upstream. */
        readonly protocol?: 'http2' | 'auto';
        readonly method: string;
        readonly path: string;
        readonly host: string | null;
        /** Inclusive ranges. */
        readonly statuses: readonly (readonly [number, number])[];
        /** The body's first 64 KiB must contain this. */
        readonly body: string | null;
      };
  /** Absent: the server's own address. */
  readonly address?: Pick<Address, 'family' | 'host'>;
  /** Null: the server's own port. */
  readonly port: number | null;
  /** More that has to pass, one part after the other. */
  readonly also?: readonly HealthPartPlan[];
  /** As of the upstream. */
  readonly proxyProtocol: 'v1' | 'v2' | null;
  readonly tls: ServersTlsPlan | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** 0..1: each interval is lengthened or shortened by up to this share of it. */
  readonly jitter: number;
  /** From a check that has failed to the next one while the server is up. Null: as ever. */
  readonly retryMs: number | null;
  /** What is thought of a server before its first check. */
  readonly initial: 'up' | 'down';
}

export interface HealthPartPlan extends Pick<HealthPlan, 'probe' | 'port'> {
  /** Not over TLS, whatever the first part goes over. */
  readonly isClear: boolean;
}

export interface PassivePlan {
  readonly failures: number;
  readonly withinMs: number;
  readonly ejectMs: number;
}

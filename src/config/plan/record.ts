/** What is told of requests: logs, counts, spans. */
import type { SyslogPlan } from '../../base/syslog.ts';

/** Names in lower case: of fields as servers send them, and as clients are sent them. */
export interface NotedFieldsPlan {
  readonly response: readonly string[];
  readonly sent: readonly string[];
}

/** Where spans go over OTLP/HTTP. */
export interface OtlpPlan {
  /** A URL. */
  readonly endpoint: string;
  /** What is traced is called so. */
  readonly service: string;
}

export interface TracingPlan {
  /** Of 10,000 traces that begin here so many are recorded. */
  readonly share: number;
}

/** Requests of a listener that are counted together. */
export interface CountedPlan {
  /** As config/plan/route-label.ts has it; empty: no route. */
  readonly route: string;
  /** Empty: they go to none. */
  readonly upstream: string;
  /** How long they take is counted too. */
  readonly isTimed: boolean;
  /** Its place on the status board; -1: there is none for it. */
  readonly slot: number;
}

export interface LineFormatPlan {
  readonly text: string;
  readonly escape: 'text' | 'json' | 'none';
}

export interface LogPlan {
  readonly name: string;
  /** A path; null: `syslog`, or stdout. */
  readonly file: string | null;
  readonly syslog: SyslogPlan | null;
  /** Its lines are spans for this collector. */
  readonly otlp?: OtlpPlan;
  readonly format: LineFormatPlan;
  /** Of sessions of TCP and UDP. */
  readonly sessionFormat: LineFormatPlan;
  /** What has to be neither empty nor `0`, a template; null: any request is in it. */
  readonly when: string | null;
  /** Of 10,000 requests so many are in it ... */
  readonly sample: number;
  /** ... and all that end in an error. */
  readonly keepsErrors: boolean;
}

/** When a connection has been used enough: what is under way on it is the last. */
export interface WearPlan {
  /** Requests. 0: any number. */
  readonly requests: number;
  /** Since it began. 0: any time. */
  readonly ageMs: number;
}

/** What a proxy says of a request whose trace is recorded, when it has ended: a line that a thread of the keeper makes a span of (core/trace/otlp-span.ts). */

/** A template of access logs, with values escaped as in JSON. */
export const SPAN_LINE = `{${[
  '"trace":"{trace-id}"',
  '"span":"{span-id}"',
  '"parent":"{parent-span-id}"',
  '"state":"{tracestate}"',
  '"end":{time}',
  '"took":{request-time}',
  '"queued":{queue-time}',
  '"method":"{method}"',
  '"target":"{uri}"',
  '"scheme":"{scheme}"',
  '"host":"{authority}"',
  '"protocol":"{protocol}"',
  '"agent":"{header:User-Agent}"',
  '"client":"{client}"',
  '"peer":"{peer}"',
  '"peerPort":"{peer-port}"',
  '"status":{status}',
  '"reason":"{reason}"',
  '"endedBy":"{ended-by}"',
  '"route":"{route}"',
  '"listener":"{listener}"',
  '"upstream":"{upstream}"',
  '"tries":{tries}',
  '"server":"{server}"',
  '"serverStatus":"{server-status}"',
].join(',')}}`;

/** What it says. */
export interface SpanLine {
  readonly trace: string;
  readonly span: string;
  readonly parent: string;
  readonly state: string;
  /** Seconds, with three decimals. */
  readonly end: number;
  readonly took: number;
  readonly queued: number;
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  readonly host: string;
  readonly protocol: string;
  readonly agent: string;
  readonly client: string;
  readonly peer: string;
  readonly peerPort: string;
  readonly status: number;
  readonly reason: string;
  readonly endedBy: string;
  readonly route: string;
  readonly listener: string;
  readonly upstream: string;
  readonly tries: number;
  readonly server: string;
  readonly serverStatus: string;
}

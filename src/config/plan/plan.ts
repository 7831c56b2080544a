/**
 * What a proxy process runs: the configuration with every name resolved to an index, every default filled in and every
 * unit converted. Serialisable as JSON; the keeper hands it to each proxy. Shapes only; `config/compile/compile.ts` makes it.
 */
import type { Address } from '../../base/address.ts';
import type { CredentialsPlan } from './credentials.ts';
import type { FilesPlan } from './files.ts';
import type { ListenerPlan } from './listener.ts';
import type { UpstreamPlan } from './upstream.ts';
import type { ValuePlan } from './value.ts';
import type { LogPlan } from './record.ts';
import type { StepPlan } from './route.ts';

export interface Plan {
  /** How many proxies serve by it. */
  readonly workers: number;
  readonly listeners: readonly ListenerPlan[];
  readonly upstreams: readonly UpstreamPlan[];
  /** Values by name that are made of others when somebody reads them. */
  readonly values: readonly ValuePlan[];
  /** What is answered from files. Null: nothing. */
  readonly files: FilesPlan | null;
  /** Passwords and tokens, for the process that knows them; proxies do not get this. Absent: there are none. */
  readonly credentials?: CredentialsPlan;
  /** Where the admin API is over TCP: no server that a request may name. Null: nowhere. */
  readonly admin: Address | null;
  readonly accessLogs: readonly LogPlan[];
  /** What is done first in routes that an operator has closed, if that is not the usual. The keeper alone asks. */
  readonly maintenance?: StepPlan;
  /** A route has limits that all proxies count together. */
  readonly hasLimits?: true;
  /** Of an upstream, all proxies learn together where sessions are. */
  readonly learns?: true;
  /** Every server's slots lie below this. */
  readonly serverSlots: number;
  /** How long `stop` waits for what is in flight. */
  readonly graceMs: number;
  /** How long what a later plan no longer has may go on. */
  readonly drainMs: number;
}

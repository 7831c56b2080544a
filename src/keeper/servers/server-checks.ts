/** Checks of servers, made as the proxies reach them: where those cannot go, the keeper's own success is none. */
import type { Address } from '../../base/address.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import { NO_TLS_CONNECTION, type ServerIdentity } from '../../core/tls/server-identity.ts';
import type { ProcessUser } from '../../port/host.ts';
import type { TlsMaterial } from '../../port/tls.ts';
import type { Log } from '../log/log.ts';
import { askAll } from './all-of.ts';
import type { MakeProbe } from './health.ts';
import { probe, type ProbeResult } from './probe.ts';
import { ProbeContexts, type ProbeTls } from './probe-tls.ts';
import type { ProgramChecks } from './program-checks.ts';
import { findUnixFault } from './unix-reach.ts';

export interface ServerChecksOptions {
  readonly programs: Pick<ProgramChecks, 'check'>;
  /** As whom the proxies run; null: as the keeper. */
  readonly user: ProcessUser | null;
  /** Of the TLS of what is in force. */
  readonly material: () => TlsMaterial;
}

export class ServerChecks {
  private readonly options: ServerChecksOptions;
  private readonly contexts = new ProbeContexts();

  constructor(options: ServerChecksOptions) {
    this.options = options;
  }

  readonly make: MakeProbe = (health, address, serverName, sources, identity = null) => {
    const fault = this.findFault(address);
    if (fault !== null) return failedProbe(fault);
    return askAll(health, (one) => {
      if (one.probe.kind === 'run') return this.options.programs.check(one, one.probe, address);
      const tls = this.tlsOf(one, identity);
      return typeof tls === 'string' ? failedProbe(tls) : probe(one, address, serverName, sources, tls);
    });
  };

  warnOfFaults(upstreams: readonly UpstreamPlan[], log: Log): void {
    for (const { name, servers } of upstreams) {
      for (const { target } of servers) {
        const reason = 'host' in target ? this.findFault(target) : null;
        if (reason !== null) log.warn(`upstream ${name}: the proxies cannot reach a server: ${reason}`);
      }
    }
  }

  /** Why the proxies cannot reach a server that the keeper may reach. */
  private findFault({ family, host }: Address): string | null {
    const { user } = this.options;
    return family !== 0 || user === null ? null : findUnixFault(host, user);
  }

  /** Null: in clear. A text: why it cannot be made. */
  private tlsOf({ tls }: HealthPlan, identity: ServerIdentity | null): ProbeTls | string | null {
    if (tls === null || identity === null) return null;
    const context = this.contexts.of(tls, this.options.material());
    return typeof context === 'string'
      ? `${NO_TLS_CONNECTION}${context}`
      : { context, identity, protocols: tls.protocols, verifyDepth: tls.verifyDepth };
  }
}

function failedProbe(reason: string): Promise<ProbeResult> {
  return Promise.resolve({ isPassed: false, reason });
}

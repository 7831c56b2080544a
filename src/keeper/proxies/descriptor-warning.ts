/** Warns of a limit of open files that lets the proxies serve fewer clients than their listeners may have. */
import { DEFAULTS } from '../../config/model/defaults.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { clientsServed, clientsWanted } from '../../core/descriptors.ts';
import type { Host } from '../../port/host.ts';
import type { Log } from '../log/log.ts';

export class DescriptorWarning {
  private readonly host: Pick<Host, 'descriptorLimit'>;
  private readonly log: Log;
  /** Once for each figure: plans are applied again and again. */
  private warned = 0;

  constructor(host: Pick<Host, 'descriptorLimit'>, log: Log) {
    this.host = host;
    this.log = log;
  }

  /** Each connection of a client may need one to a server. */
  look({ listeners, workers }: Plan): void {
    const limit = this.host.descriptorLimit();
    const byDefault = Math.ceil(DEFAULTS.listener.limits.connections / workers);
    const wanted = clientsWanted(
      listeners.map(({ limits }) => limits.connections),
      byDefault,
    );
    const served = clientsServed(limit);
    if (wanted <= served || wanted === this.warned) return;
    this.warned = wanted;
    this.log.warn(
      `the limit of ${limit} open files lets each proxy serve ${served} connections at the same time, and its listeners may ` +
        `have more (\`limits.connections\`): raise LimitNOFILE to ${wanted * 2} or more, or allow fewer`,
    );
  }
}

/** What proxies are told of names that requests are for (`server-by`). Names without an answer are told of in the log, as seldom as all that recurs. */
import { systemReason } from '../../base/system-error.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import type { Log } from '../log/log.ts';
import { RecurringLog } from '../log/recurring-log.ts';
import { Lookups } from './lookups.ts';
import type { NameAnswer } from './names.ts';

const HOSTNAME = /^[\w.-]{1,253}$/;
const NOTHING: NameAnswer = { addresses: [], ttlMs: 0 };

export class WantedNames {
  private readonly lookups: Lookups;
  private readonly recurring: RecurringLog;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(log: Log, now: () => number) {
    this.lookups = new Lookups(now);
    this.recurring = new RecurringLog(log, now);
  }

  /** `hostname`: a proxy's word, and so a client's. Without addresses: there is no answer. */
  async find({ name, resolver }: UpstreamPlan, hostname: string): Promise<NameAnswer> {
    if (resolver === null || !HOSTNAME.test(hostname)) return NOTHING;
    try {
      return await this.lookups.find(name, hostname, resolver);
    } catch (error) {
      const text = (count: number, within: string): string =>
        `upstream ${name}: a name that requests are for did not resolve${count === 1 ? '' : `, ${count} times`}${within}`;
      const details = { reason: 'no-name' };
      const cause = `${hostname}: ${systemReason(error)}`;
      this.recurring.handle(name, { level: 'warn', text, details, sampled: 'cause' }, 1, cause);
      return NOTHING;
    }
  }

  stop(): void {
    this.recurring.stop();
  }
}

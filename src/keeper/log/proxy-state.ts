/** What a proxy says of how it is: whether it accepts, has the memory that it needs, and can write its access logs. */
import { getSystemErrorName } from 'node:util';
import { systemReason } from '../../base/system-error.ts';
import type { ProxyEvent } from '../../port/control.ts';
import type { Log } from './log.ts';

/** What it meets in traffic is elsewhere: traffic-log.ts. */
export type ProxyState = Exclude<
  ProxyEvent,
  { kind: 'server-failed' | 'answered' | 'failed-requests' | 'shortage' | 'name-wanted' }
>;

export function logProxyState(log: Log, event: ProxyState, proxy: number): void {
  switch (event.kind) {
    case 'accept-paused':
      return log.warn(`listener ${event.listener} does not accept for now: ${event.reason}`, { proxy });
    case 'idle-closed':
      return log.warn(`listener ${event.listener} closes idle clients for new ones: ${event.reason}`, { proxy });
    case 'accept-resumed':
      return log.info(`listener ${event.listener} accepts again`, { proxy });
    case 'memory-short':
      return log.warn(
        `proxy ${proxy} is short of memory: ${event.used} of ${event.count} buffers of ${event.bytes / 1024} KiB are in ` +
          `use; it ends the connections that have stood still for longest`,
      );
    case 'memory-recovered':
      return log.info(
        `proxy ${proxy} has enough memory again, after ${event.seconds} s; it has ended ${event.shed} connections`,
      );
    case 'log-stuck':
      return log.warn(
        `access log ${event.log} cannot be written: ${systemReason({ code: getSystemErrorName(-event.error) })}; ` +
          'lines wait, and are dropped where they are too many',
        { proxy },
      );
    case 'log-written':
      return log.info(`access log ${event.log} is written again`, { proxy });
    // the fleet tells it
    case 'cut':
    case 'drained':
      return undefined;
  }
}

/** The clients of a soak, in the network namespace of one: traffic of every kind to one address. What fails is told at once, with its times. */
import { type Failure, Traffic } from '../campaign/traffic.ts';

const REPORT_MS = 100;

/** Times are milliseconds since 1970. */
export interface LoadReport {
  readonly done: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

const [host, http, tcp] = process.argv.slice(2);

const unixMs = (ms: number): number => performance.timeOrigin + ms;
const traffic = await Traffic.start(
  { host, http: Number(http), tcp: Number(tcp) },
  () => 0,
  () => null,
);

function report(): void {
  const failures = traffic.failures.splice(0).map(({ sinceMs, atMs, port, kind, what, bornAt }): Failure => {
    return { sinceMs: unixMs(sinceMs), atMs: unixMs(atMs), port, kind, what, bornAt };
  });
  process.send!({ done: traffic.done, failures } satisfies LoadReport);
}

process.on('disconnect', () => process.exit(0));
setInterval(report, REPORT_MS);
report();

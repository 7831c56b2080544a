/** What there is of a node once: its versions, configuration, processes and answers. */
import type { ProcessView, StatusDocument } from '../status.ts';
import type { Sample } from './exposition.ts';
import { bit, countsBy, endingsOf, type Metric, seconds } from './metric.ts';

export const NODE: readonly Metric<StatusDocument>[] = [
  ['build_info', 'gauge', 'The version that runs; always 1.', ({ version }) => [[{ version }, 1]]],
  ['start_time_seconds', 'gauge', 'When the keeper was started, in Unix time.', startOf],
  ['stopping', 'gauge', '1: it finishes what is in flight, and takes no orders.', ({ isStopping }) => bit(isStopping)],
  [
    'problems',
    'gauge',
    'What is less than it should be: `evenkeel status` has them.',
    ({ problems }) => problems.length,
  ],
  [
    'configuration_info',
    'gauge',
    'The configuration that runs, by the beginning of its SHA-256; always 1.',
    ({ configuration: { digest } }) => [[{ digest }, 1]],
  ],
  [
    'configuration_outdated',
    'gauge',
    '1: the file has changed since it was loaded.',
    ({ configuration: { isChanged } }) => (isChanged === null ? null : bit(isChanged)),
  ],
  [
    'configuration_by_api',
    'gauge',
    '1: it was set by the API, and is not that of the file.',
    ({ configuration: { setByApi } }) => bit(setByApi !== null),
  ],
  [
    'unstored',
    'gauge',
    'What a restart will forget, because it could not be written down.',
    ({ unstored }) => unstored.length,
  ],
  [
    'configuration_refused',
    'gauge',
    '1: the last configuration that was to be applied, by reload or API, was refused, and the one before holds.',
    ({ configuration: { isRefused } }) => (isRefused === undefined ? null : bit(isRefused)),
  ],
  [
    'configuration_changes_total',
    'counter',
    'Configurations that were to be applied since the start, by what became of them.',
    ({ configuration: { applied, refused } }) => {
      return applied === undefined ? null : countsBy('result', { applied, refused: refused ?? 0 });
    },
  ],
  [
    'configuration_age_seconds',
    'gauge',
    'How long the one that runs has held.',
    ({ configuration: { ageMs } }) => seconds(ageMs ?? null),
  ],
  ['process_cpu_seconds_total', 'counter', 'Of each process.', processesBy(({ cpuSeconds }) => cpuSeconds)],
  [
    'process_resident_memory_bytes',
    'gauge',
    'Of each process; what they share counts in each of them.',
    processesBy(({ residentBytes }) => residentBytes),
  ],
  [
    'process_open_fds',
    'gauge',
    'Descriptors of each process, where the system tells (Linux 6.2).',
    processesBy(({ descriptors }) => descriptors),
  ],
  ['overrides', 'gauge', 'What holds by hand, over what the file says.', ({ overrides }) => overrides.length],
  [
    'own_answers_total',
    'counter',
    'Answers of the proxies themselves because something was wrong, by kind: see troubleshooting.md.',
    ({ answers }) => answers.map(({ name, count }) => [{ reason: name }, count]),
  ],
  [
    'http_endings_total',
    'counter',
    'Requests, by why they have ended and who has ended them: see access-log.md.',
    ({ endings }) => endingsOf(endings),
  ],
  [
    'session_endings_total',
    'counter',
    'Sessions of TCP and UDP, by why they have ended and who has ended them.',
    ({ sessionEndings }) => endingsOf(sessionEndings),
  ],
];

function processesBy(take: (figures: ProcessView) => number | null): (status: StatusDocument) => readonly Sample[] {
  return ({ processes = [] }) =>
    processes.flatMap((one) => {
      const taken = take(one);
      return taken === null ? [] : [[{ process: one.name }, taken] as const];
    });
}

function startOf({ at, uptimeMs }: StatusDocument): number {
  return Math.round((Date.parse(at) - uptimeMs) / 1_000);
}

/** What there is of each proxy: its connections, buffers and loop. */
import { memory, type MemoryView, type ProxyView } from '../data-plane.ts';
import type { Sample } from './exposition.ts';
import { bit, type Metric, seconds } from './metric.ts';

/** Of a turn of a loop (base/traffic-cells.ts). */
const LOOP_UNIT_MS = 1 / 16;

export const PROXIES: readonly Metric<ProxyView>[] = [
  ['proxy_up', 'gauge', '1: it serves.', ({ state }) => bit(state === 'serving')],
  ['proxy_silent_seconds', 'gauge', 'How long it has given no sign of life.', ({ silentMs }) => seconds(silentMs)],
  ['proxy_restarts_total', 'counter', 'How often its place had to be filled again.', ({ restarts }) => restarts],
  ['proxy_connections', 'gauge', 'Of clients, now.', ({ connections }) => connections],
  ['proxy_requests_total', 'counter', 'HTTP requests of the process in this place.', ({ requests }) => requests],
  [
    'proxy_access_log_lines_dropped_total',
    'counter',
    'Lines of access logs for which there was no room.',
    ({ linesDropped }) => linesDropped,
  ],
  ['proxy_memory_state', 'gauge', '0 plenty, 1 tight, 2 short, 3 exhausted.', ({ memory }) => levelOf(memory)],
  [
    'proxy_memory_shed_total',
    'counter',
    'Connections that were ended for want of memory.',
    ({ memory }) => memory?.shed ?? null,
  ],
  ['proxy_buffers', 'gauge', 'Buffers in use, by size.', ({ memory }) => buffersOf(memory)],
  [
    'proxy_turn_seconds',
    'histogram',
    'How long the turns of its loop took, waiting aside.',
    ({ loop }) => loop?.turns,
    LOOP_UNIT_MS,
  ],
  ['proxy_submissions_total', 'counter', 'What its loop gave to the kernel to do.', ({ loop }) => loop?.submissions],
  [
    'proxy_buffer_shortages_total',
    'counter',
    'How often somebody had to wait, for no buffer to receive into was free.',
    ({ loop }) => loop?.starved,
  ],
];

function levelOf(view: MemoryView | null): number | null {
  return view === null ? null : memory.shape.state.options.indexOf(view.state);
}

const SIZES = ['large', 'small', 'medium', 'head', 'foreign'] as const;

function buffersOf(view: MemoryView | null): readonly Sample[] | null {
  return view === null ? null : SIZES.map((size) => [{ size }, view[size]]);
}

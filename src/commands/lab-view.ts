/** What the lab shows: one frame as lines of text. Pure, so that it is tested without a terminal. */
import type { NodeView } from '../lab/session.ts';
import { clip, renderEvents } from './demo-view.ts';
import type { Color, Paint } from './paint.ts';

export interface LabFrame {
  readonly title: string;
  readonly address: string;
  readonly nodes: readonly NodeView[];
  /** What the client's kernel and the switch say; null: nothing. */
  readonly mac: string | null;
  readonly port: string | null;
  readonly answered: number;
  readonly failed: number;
  readonly isDown: boolean;
  readonly longestMs: number;
  /** The last outage; null: there was none. */
  readonly last: { readonly lengthMs: number; readonly outcomes: string } | null;
}

/** Letter on a terminal, and the order. */
export const KEYS: Readonly<Record<string, string>> = {
  k: 'kill',
  f: 'freeze',
  t: 'thaw',
  c: 'cut',
  i: 'isolate',
  d: 'deafen',
  h: 'heal',
  s: 'stop',
  r: 'start',
  o: 'handover',
  e: 'resume',
};

const KEYS_IN_ROW = 7;

export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/** Lines that fit the screen: the newest events in what the rest leaves of it. Events: the oldest first. */
export function renderLabScreen(
  frame: LabFrame,
  events: readonly string[],
  target: string | null,
  { rows, columns }: ScreenSize,
  paint: Paint,
): string[] {
  const above = renderLabFrame(frame, [], columns, paint);
  const keys = renderKeys(target, columns);
  const room = rows - above.length - keys.length;
  return [...above, ...(room > 0 ? renderEvents(events, room, columns, paint) : []), ...keys].slice(0, rows);
}

/** Lines of at most `width` columns. Events: the oldest first. */
export function renderLabFrame(frame: LabFrame, events: readonly string[], width: number, paint: Paint): string[] {
  const lines = [
    '',
    `  ${paint('bold', frame.title)}`,
    '',
    `  ${paint('dim', 'node    process   link       address       role')}`,
    ...frame.nodes.map((node) => renderNode(node, frame.address, paint)),
    '',
    `  client  ${renderPath(frame, paint)}`,
    `          ${paint('bold', count(frame.answered))} answered  ·  ${renderFailed(frame, paint)}`,
    `          ${renderNow(frame, paint)}`,
    '',
    ...renderEvents(events, events.length, width, paint),
  ];
  return lines.map((line) => clip(line, width));
}

/** `target` null: orders mean the node that has the address. */
function renderKeys(target: string | null, width: number): string[] {
  const keys = Object.entries(KEYS).map(([key, order]) => `${key} ${order}`);
  return [
    '',
    `  ${keys.slice(0, KEYS_IN_ROW).join('   ')}`,
    `  ${keys.slice(KEYS_IN_ROW).join('   ')}   q quit`,
    `  of: ${target ?? 'the node that has the address'}   1 lb01   2 lb02   0 the one that has it`,
  ].map((line) => clip(line, width));
}

function renderNode({ name, process, link, hasAddress, status }: NodeView, address: string, paint: Paint): string {
  const colors = { running: 'green', frozen: 'yellow', gone: 'red' } as const;
  const cells = [
    name.padEnd(8),
    paint(colors[process], process.padEnd(10)),
    paint(link === 'up' ? 'green' : 'red', link.padEnd(11)),
    hasAddress ? paint('green', `● ${address}`.padEnd(16)) : paint('grey', '○ not here'.padEnd(16)),
    renderRole({ name, process, link, hasAddress, status }, paint),
  ];
  return `  ${cells.join('')}`;
}

const ROLES: Readonly<Record<string, Color>> = { active: 'green', fault: 'red', unknown: 'red' };

function renderRole({ status, process }: NodeView, paint: Paint): string {
  if (process === 'gone') return '';
  if (status === null) return paint('grey', 'does not answer');
  const { state, stateAgeMs, priority, fault } = status;
  const since = stateAgeMs === null ? '' : ` for ${seconds(stateAgeMs)}`;
  const said = fault ?? (priority === null ? '' : `priority ${priority}`);
  return `${paint(ROLES[state] ?? 'bold', state)}${since}  ${paint('grey', said)}`;
}

function renderPath({ address, mac, port }: LabFrame, paint: Paint): string {
  if (mac === null) return `${address} ${paint('red', 'answers no ARP request')}`;
  return `${address} is at ${mac}, ${port === null ? 'where nobody knows' : `which is ${paint('bold', port)}`}`;
}

function renderFailed({ failed, longestMs }: LabFrame, paint: Paint): string {
  const text = failed === 0 ? paint('green', '0 failed') : paint('red', `${count(failed)} failed`);
  return `${text}  ·  longest gap ${milliseconds(longestMs)}`;
}

function renderNow({ isDown, last }: LabFrame, paint: Paint): string {
  const now = isDown ? paint('red', 'fails now') : paint('green', 'is answered now');
  return last === null ? now : `${now}  ·  last gap ${milliseconds(last.lengthMs)}: ${last.outcomes}`;
}

/** The same in one line, for places that are no terminal. */
export function renderLabLine({ nodes, answered, failed, longestMs, isDown }: LabFrame): string {
  const parts = nodes.map(({ name, process, link, hasAddress, status }) => {
    const state = process === 'running' ? (status?.state ?? 'silent') : process;
    return `${name} ${hasAddress ? '●' : '○'} ${state}${link === 'up' ? '' : ` (${link})`}`;
  });
  const client = `${count(answered)} answered, ${count(failed)} failed, longest gap ${milliseconds(longestMs)}`;
  return `${parts.join('  ')}  client: ${client}${isDown ? ', fails now' : ''}`;
}

/** `12,345` */
function count(value: number): string {
  return value.toLocaleString('en-US');
}

function milliseconds(ms: number): string {
  return `${count(Math.round(ms))} ms`;
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${count(Math.round(ms / 1000))} s`;
}

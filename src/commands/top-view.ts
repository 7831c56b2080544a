/** What `evenkeel top` shows: a frame as lines of text. Pure, so that it is tested without a terminal. */
import { clip } from './demo-view.ts';
import type { Color, Paint } from './paint.ts';
import { ageText } from './age-text.ts';
import type { Frame, ListenerRates, ServerRates } from './top-rates.ts';

export const SORTS = { s: 'state', r: 'requests', f: 'failures', c: 'connections', n: 'name' } as const;
export type Sort = (typeof SORTS)[keyof typeof SORTS];

/** How it is looked at. */
export interface Look {
  readonly sort: Sort;
  readonly isReversed: boolean;
  /** Servers that take no requests alone. */
  readonly showsBad: boolean;
  /** The picture stands. */
  readonly isHeld: boolean;
  /** Servers above the first one that is shown. */
  readonly offset: number;
  /** Why the picture is old; null: it is not. */
  readonly silence: string | null;
}

export const FIRST_LOOK: Look = {
  sort: 'state',
  isReversed: false,
  showsBad: false,
  isHeld: false,
  offset: 0,
  silence: null,
};

/** Of the rows that lists have. */
const LISTENERS_MAX = 6;
const ROUTERS_MAX = 3;
const PROBLEMS_MAX = 2;
/** A list of servers with fewer rows says nothing. */
const SERVERS_MIN = 3;
const ADDRESSES_SHOWN = 2;

export function shownServers({ servers }: Frame, { isReversed, showsBad, sort }: Look): readonly ServerRates[] {
  const shown = showsBad ? servers.filter(({ takes }) => !takes) : [...servers];
  const sorted = shown.toSorted((a, b) => compare(a, b, sort) || nameOf(a).localeCompare(nameOf(b)));
  return isReversed ? sorted.toReversed() : sorted;
}

function compare(a: ServerRates, b: ServerRates, sort: Sort): number {
  switch (sort) {
    case 'state':
      return Number(a.takes) - Number(b.takes) || b.requestsPerS - a.requestsPerS;
    case 'requests':
      return b.requestsPerS - a.requestsPerS;
    case 'failures':
      return b.failuresPerS - a.failuresPerS;
    case 'connections':
      return b.view.connections - a.view.connections;
    case 'name':
      return 0;
  }
}

function nameOf({ upstream, view }: ServerRates): string {
  return `${upstream}/${view.name}`;
}

/** Rows for servers at this height. */
export function serverRoom(frame: Frame, rows: number): number {
  return Math.max(SERVERS_MIN, rows - headLines(frame, FIRST_LOOK, (_, text) => text).length - 2);
}

/** Lines of at most `columns` columns; `rows` of them at most. Infinity: all of it. */
export function renderTop(frame: Frame, look: Look, columns: number, rows: number, paint: Paint): readonly string[] {
  const head = headLines(frame, look, paint);
  const servers = shownServers(frame, look);
  const room = serverRoom(frame, rows);
  const shown = servers.slice(look.offset, look.offset + room);
  const lines = [...head, ...serverLines(shown, look, servers.length, paint)];
  const keys = paint(
    'dim',
    `q ends  arrows move  s r f c n sort  b ${look.showsBad ? 'all' : 'bad ones'}  space ${look.isHeld ? 'goes on' : 'holds'}`,
  );
  const all = rows === Infinity ? lines : [...lines.slice(0, rows - 1), keys];
  return all.map((line) => clip(line, columns));
}

function headLines(frame: Frame, { isHeld, silence }: Look, paint: Paint): readonly string[] {
  const { answers, listeners, servers, status } = frame;
  const { at, ha, isStopping, pid, problems, proxies, unstored, upstreams, uptimeMs, version } = status;
  const requests = sum(listeners.map(({ requestsPerS }) => requestsPerS ?? 0));
  const errors = sum(listeners.map(({ errorsPerS }) => errorsPerS));
  const connections = sum(listeners.map(({ view }) => view.connections));
  const waiting = sum(upstreams.map((one) => one.waiting));
  const taking = servers.filter(({ takes }) => takes).length;
  const serving = proxies.filter(({ state }) => state === 'serving').length;
  const node = ha === null ? '' : `, node ${ha.node}`;
  const state =
    silence !== null
      ? paint('red', `  ${silence}`)
      : isHeld
        ? paint('yellow', '  held')
        : isStopping
          ? paint('yellow', '  stopping')
          : '';
  const warnings = [...problems, ...unstored.map((each) => `a restart will forget ${each}`)];
  return [
    `${paint('bold', `evenkeel ${version}`)}${node}, pid ${pid}, up ${ageText(uptimeMs)}  ${at.slice(11, 19)}Z${state}`,
    `${paint('bold', rateText(requests))} requests/s, ${errors > 0 ? paint('red', `${rateText(errors)} of them 5xx/s`) : 'no 5xx'}, ${connections === 1 ? '1 connection' : `${connections} connections`}${waiting === 0 ? '' : paint('yellow', `, ${waiting} waiting`)}; ` +
      `${taking === servers.length ? `${taking} ${taking === 1 ? 'server' : 'servers'}` : paint('yellow', `${taking} of ${servers.length} servers`)}, ${serving} of ${proxies.length} ${proxies.length === 1 ? 'proxy' : 'proxies'}`,
    ...routerLines(frame, paint),
    ...warnings.slice(0, PROBLEMS_MAX).map((each) => paint('yellow', `warning: ${each}`)),
    ...(answers.length === 0
      ? []
      : [
          paint(
            'yellow',
            `answers of its own: ${answers.map(({ name, perS }) => `${name} ${rateText(perS)}/s`).join(', ')}`,
          ),
        ]),
    '',
    ...listenerLines(listeners, paint),
    '',
  ];
}

const ROLE_COLORS: Readonly<Record<string, Color>> = { active: 'green', backup: 'bold', fault: 'red', unknown: 'red' };

function routerLines({ status }: Frame, paint: Paint): readonly string[] {
  const routers = status.ha?.routers ?? [];
  const lines = routers.slice(0, ROUTERS_MAX).map(({ account, addresses, name, state }) => {
    const since = account === null ? '' : ` for ${ageText(account.stateAgeMs)}`;
    const peer = account?.activePeer ?? null;
    const more = addresses.length > ADDRESSES_SHOWN ? ' ...' : '';
    return `${name} ${paint(ROLE_COLORS[state] ?? 'yellow', state.toUpperCase())}${since}: ${addresses.slice(0, ADDRESSES_SHOWN).join(' ')}${more}${peer === null ? '' : `, active on ${peer}`}`;
  });
  return routers.length > ROUTERS_MAX
    ? [...lines, `... and ${routers.length - ROUTERS_MAX} virtual routers more`]
    : lines;
}

function listenerLines(listeners: readonly ListenerRates[], paint: Paint): readonly string[] {
  const busy = listeners.toSorted(
    (a, b) =>
      Number(a.view.state === 'open') - Number(b.view.state === 'open') ||
      (b.requestsPerS ?? b.begunPerS) - (a.requestsPerS ?? a.begunPerS),
  );
  const lines = busy.slice(0, LISTENERS_MAX).map(({ begunPerS, errorsPerS, medianMs, p99Ms, requestsPerS, view }) => {
    const cells = [
      left(view.name, 19),
      colored(view.state, view.state === 'open' ? 'green' : 'red', 9, paint),
      right(String(view.connections), 7),
      right(rateText(begunPerS), 8),
      right(requestsPerS === null ? '-' : rateText(requestsPerS), 9),
      right(errorsPerS === 0 ? '-' : rateText(errorsPerS), 7),
      right(timeText(medianMs), 7),
      right(timeText(p99Ms), 7),
    ];
    return cells.join(' ');
  });
  const title = [
    left('LISTENER', 19),
    left('STATE', 9),
    right('CONN', 7),
    right('NEW/S', 8),
    right('REQ/S', 9),
    right('5XX/S', 7),
    right('P50 MS', 7),
    right('P99 MS', 7),
  ];
  const more =
    listeners.length > LISTENERS_MAX
      ? [paint('dim', `... and ${listeners.length - LISTENERS_MAX} listeners more`)]
      : [];
  return [paint('reverse', title.join(' ')), ...lines, ...more];
}

function serverLines(
  shown: readonly ServerRates[],
  { isReversed, offset, sort }: Look,
  total: number,
  paint: Paint,
): readonly string[] {
  const mark = (one: Sort, text: string): string => (one === sort ? `${text}${isReversed ? '^' : 'v'}` : text);
  const title = [
    left(mark('name', `SERVER ${total === 0 ? '' : `${offset + 1}-${offset + shown.length} of ${total}`}`), 32),
    left(mark('state', 'STATE'), 10),
    right('FOR', 11),
    right(mark('requests', 'REQ/S'), 8),
    right(mark('failures', 'FAIL/S'), 7),
    right(mark('connections', 'CONN'), 7),
  ];
  const lines = shown.map(({ failuresPerS, requestsPerS, takes, upstream, view }) => {
    const { connections, reason, state, stateAgeMs } = view;
    const color = takes ? (state === 'up' ? 'green' : 'yellow') : state === 'draining' ? 'yellow' : 'red';
    const cells = [
      left(`${upstream}/${view.name}`, 32),
      colored(state, color, 10, paint),
      right(stateAgeMs === null ? '' : ageText(stateAgeMs), 11),
      right(rateText(requestsPerS), 8),
      right(failuresPerS === 0 ? '-' : rateText(failuresPerS), 7),
      right(String(connections), 7),
    ];
    return `${cells.join(' ')}${takes ? '' : `  ${reason}`}`;
  });
  return [paint('reverse', title.join(' ')), ...lines];
}

/** `0`, `0.4`, `12`, `3.4k` */
function rateText(perS: number): string {
  if (perS === 0) return '0';
  if (perS < 9.95) return perS.toFixed(1);
  if (perS < 9_950) return String(Math.round(perS));
  return `${(perS / 1_000).toFixed(perS < 99_500 ? 1 : 0)}k`;
}

function timeText(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 9.95 ? ms.toFixed(1) : String(Math.round(ms));
}

function colored(text: string, color: Color, width: number, paint: Paint): string {
  return `${paint(color, text)}${' '.repeat(Math.max(0, width - text.length))}`;
}

function left(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}~` : text.padEnd(width);
}

function right(text: string, width: number): string {
  return text.padStart(width);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}

/** What the demo shows: one frame as lines of text. Pure, so that it is tested without a terminal. */
import { type Color, noPaint, type Paint } from './paint.ts';
import { SERVER_DOWN, SERVER_EJECTED, SERVER_EMPTY, type ServerState } from '../base/board.ts';

export interface DemoFrame {
  readonly title: string;
  readonly httpUrl: string;
  readonly tcpAddress: string;
  readonly servers: readonly DemoServerRow[];
  readonly requests: number;
  readonly failed: number;
  readonly conversations: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Tries that failed at one server and were made again at another, unseen by any client. */
  readonly moved: number;
  /** Oldest first. */
  readonly events: readonly string[];
}

export interface DemoServerRow {
  readonly name: string;
  readonly color: Color;
  readonly state: ServerState;
  /** Of its full weight, 0..1: less than 1 while it starts slowly. */
  readonly share: number;
  readonly perSecond: number;
  readonly total: number;
}

const BAR_WIDTH = 24;
const EVENT_COUNT = 8;
const MARGIN = '  ';

/** Lines of at most `width` columns. */
export function renderFrame(frame: DemoFrame, width: number, paint: Paint): string[] {
  const most = Math.max(1, ...frame.servers.map(({ perSecond }) => perSecond));
  const lines = [
    '',
    `  ${paint('bold', frame.title)}`,
    '',
    `  ${paint('blue', frame.httpUrl.padEnd(27))}${paint('grey', 'open it in a browser, or with curl')}`,
    `  ${paint('blue', frame.tcpAddress.padEnd(27))}${paint('grey', `nc ${frame.tcpAddress.replace(':', ' ')}`)}`,
    '',
    `  ${paint('dim', 'server     state           per second                           total')}`,
    ...frame.servers.map((server) => renderServer(server, most, paint)),
    '',
    `  ${paint('bold', count(frame.requests))} requests  ·  ${renderFailed(frame.failed, paint)}  ·  ` +
      `half within ${frame.medianMs.toFixed(1)} ms, 99 % within ${frame.p99Ms.toFixed(1)} ms`,
    `  ${count(frame.conversations)} TCP conversations  ·  ${count(frame.moved)} tries failed and were made again elsewhere`,
    '',
    ...renderEvents(frame.events, EVENT_COUNT, width, paint),
  ];
  return lines.map((line) => clip(line, width));
}

/** The last ones, in at most `count` lines: one that is wider goes on in the next line. Events: the oldest first. */
export function renderEvents(events: readonly string[], count: number, width: number, paint: Paint): string[] {
  const lines = events.slice(-count).flatMap((event) => wrap(event, width - MARGIN.length));
  return lines.slice(-count).map((line) => clip(`${MARGIN}${paint('grey', line)}`, width));
}

/** At spaces. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width || line.trim() === '') {
      line = longer;
      continue;
    }
    lines.push(line);
    line = `${MARGIN}${word}`;
  }
  return [...lines, line];
}

/** Cuts a line to so many columns; colors take none. */
export function clip(line: string, width: number): string {
  let columns = 0;
  // oxlint-disable-next-line no-control-regex
  return line.replace(/\u001b\[\d+m|./gsu, (piece) => {
    if (piece.length > 1 && piece.startsWith('\u001b')) return piece;
    columns++;
    return columns <= width ? piece : '';
  });
}

function renderServer(server: DemoServerRow, most: number, paint: Paint): string {
  const name = paint(server.color, server.name.padEnd(11));
  const bar = barOf(server.perSecond / most);
  const rate = `${Math.round(server.perSecond)}`.padStart(4);
  return `  ${name}${stateOf(server, paint)}${rate}  ${paint(server.color, bar)}  ${count(server.total).padStart(9)}`;
}

function stateOf(server: DemoServerRow, paint: Paint): string {
  const show = (color: Color, mark: string, text: string): string => paint(color, `${mark} ${text}`.padEnd(14));
  if (server.state === SERVER_DOWN) return show('red', '○', 'down');
  if (server.state === SERVER_EJECTED) return show('yellow', '○', 'ejected');
  if (server.state === SERVER_EMPTY) return show('grey', '○', 'no address');
  if (server.share < 1) return show('yellow', '◐', `starts ${Math.round(server.share * 100)} %`);
  return show('green', '●', 'up');
}

/** Eighths of a column, so that small changes are seen. */
function barOf(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  const rest = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8];
  return ('█'.repeat(Math.floor(eighths / 8)) + rest).padEnd(BAR_WIDTH);
}

function renderFailed(failed: number, paint: Paint): string {
  return failed === 0 ? paint('green', '0 failed') : paint('red', `${count(failed)} failed`);
}

/** `12,345` */
function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** The same in one line, for places that are no terminal. */
export function renderLine(frame: DemoFrame): string {
  const servers = frame.servers.map((server) => {
    return `${server.name} ${stateOf(server, noPaint).trim()} ${Math.round(server.perSecond)}/s`;
  });
  return `${servers.join(', ')}; ${count(frame.requests)} requests, ${count(frame.failed)} failed`;
}

/** `evenkeel top`: a client of a running evenkeel. It looks at its status again and again, and draws what was between. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusDocument } from '../api/status.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { TopOptions } from '../cli/top.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { askStatus, ControlError, failing } from './control-client.ts';
import { CTRL_C, readKeys } from './keys.ts';
import { hasColors, painter } from './paint.ts';
import { terminalSize } from './terminal-size.ts';
import { type Frame, frameOf } from './top-rates.ts';
import { FIRST_LOOK, type Look, renderTop, serverRoom, shownServers, SORTS } from './top-view.ts';

const NO_TERMINAL =
  'top draws on a terminal, and this is none; write `evenkeel top --once`, or `evenkeel status --json --watch` for programs';
/** Of lines that nobody draws on. */
const ONCE_COLUMNS = 200;

export function topCommand({ socket, intervalS, isOnce }: TopOptions): Promise<number> {
  const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
  if (!isOnce && !(process.stdout.isTTY && process.stdin.isTTY)) {
    process.stderr.write(`evenkeel: ${NO_TERMINAL}\n`);
    return Promise.resolve(EXIT_FAILED);
  }
  return failing(async () => {
    const looks = new Looks(path);
    await looks.look();
    if (isOnce) {
      await sleep(intervalS * 1_000);
      const columns = process.stdout.isTTY ? terminalSize().columns : ONCE_COLUMNS;
      const lines = renderTop(await looks.look(), FIRST_LOOK, columns, Infinity, painter(hasColors()));
      process.stdout.write(lines.map((line) => `${line.trimEnd()}\n`).join(''));
      return EXIT_OK;
    }
    await new Screen(looks, intervalS * 1_000).run();
    return EXIT_OK;
  });
}

/** What there is to see between one look and the one before. */
class Looks {
  private readonly path: string;
  private last: { readonly status: StatusDocument; readonly atMs: number } | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** Rejects with ControlError. */
  async look(): Promise<Frame> {
    const status = await askStatus(this.path);
    const atMs = performance.now();
    const before = this.last ?? { status, atMs: atMs - 1_000 };
    this.last = { status, atMs };
    return frameOf(before.status, status, (atMs - before.atMs) / 1_000);
  }
}

class Screen {
  private readonly looks: Looks;
  private readonly intervalMs: number;
  private readonly paint = painter(hasColors());
  private look: Look = FIRST_LOOK;
  private frame: Frame | null = null;
  private isOver = false;
  /** Ends the time until the next look. */
  private readonly over = new AbortController();

  constructor(looks: Looks, intervalMs: number) {
    this.looks = looks;
    this.intervalMs = intervalMs;
  }

  /** Until somebody ends it. */
  async run(): Promise<void> {
    const giveBackKeys = readKeys((key) => this.handleKey(key));
    const draw = (): void => this.draw();
    const end = (): void => this.end();
    process.stdout.on('resize', draw);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    // The alternate screen, without a cursor (xterm's control sequences: DECSET 1049, DECTCEM).
    process.stdout.write('\u001b[?1049h\u001b[?25l');
    try {
      while (!this.isOver) {
        await this.renew();
        this.draw();
        await sleep(this.intervalMs, undefined, { signal: this.over.signal }).catch(() => undefined);
      }
    } finally {
      giveBackKeys();
      process.stdout.off('resize', draw);
      process.stdout.write('\u001b[?25h\u001b[?1049l');
    }
  }

  /** An evenkeel that does not answer may be giving way to another one. */
  private async renew(): Promise<void> {
    if (this.look.isHeld) return;
    try {
      this.frame = await this.looks.look();
      this.look = { ...this.look, silence: null };
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      this.look = { ...this.look, silence: error.message };
    }
  }

  private end(): void {
    this.isOver = true;
    this.over.abort();
  }

  private handleKey(key: string): void {
    const { look } = this;
    if (key === 'q' || key === CTRL_C) return this.end();
    if (key === ' ') this.look = { ...look, isHeld: !look.isHeld };
    else if (key === 'b') this.look = { ...look, showsBad: !look.showsBad, offset: 0 };
    else if (key in SORTS) {
      const sort = SORTS[key as keyof typeof SORTS];
      this.look = { ...look, sort, isReversed: sort === look.sort && !look.isReversed, offset: 0 };
    } else this.look = { ...look, offset: this.offsetBy(key) };
    this.draw();
  }

  private offsetBy(key: string): number {
    const { frame, look } = this;
    if (frame === null) return 0;
    const page = serverRoom(frame, terminalSize().rows);
    const most = Math.max(0, shownServers(frame, look).length - page);
    const moved = MOVES[key]?.(look.offset, page) ?? look.offset;
    return Math.max(0, Math.min(most, moved));
  }

  private draw(): void {
    if (this.frame === null) return;
    const { columns, rows } = terminalSize();
    const lines = renderTop(this.frame, this.look, columns, rows, this.paint);
    process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }
}

/** By what a terminal sends for them. */
const MOVES: Readonly<Record<string, ((offset: number, page: number) => number) | undefined>> = {
  '\u001b[A': (offset) => offset - 1,
  '\u001bOA': (offset) => offset - 1,
  k: (offset) => offset - 1,
  '\u001b[B': (offset) => offset + 1,
  '\u001bOB': (offset) => offset + 1,
  j: (offset) => offset + 1,
  '\u001b[5~': (offset, page) => offset - page,
  '\u001b[6~': (offset, page) => offset + page,
  '\u001b[H': () => 0,
  '\u001b[1~': () => 0,
  '\u001b[F': () => Infinity,
  '\u001b[4~': () => Infinity,
};

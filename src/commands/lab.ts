/**
 * `evenkeel lab`: a pair of evenkeel nodes, web servers and a client in network namespaces of this machine, things that
 * happen to them at a key, and a view of who has the address and what the client sees.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { LabOptions } from '../cli/lab.ts';
import { monotonicMs } from '../lab/clock.ts';
import { DEFAULT_HA } from '../lab/evenkeel-node.ts';
import { sweepLabs } from '../lab/janitor.ts';
import { lengthOf, type Outcome, Outages } from '../lab/outages.ts';
import { VIRTUAL_ADDRESS } from '../lab/pair.ts';
import { LabSession } from '../lab/session.ts';
import { LabError, refusalOfLab } from '../lab/system.ts';
import { noPaint, paint } from './paint.ts';
import { terminalSize } from './terminal-size.ts';
import { KEYS, type LabFrame, renderLabFrame, renderLabLine, renderLabScreen } from './lab-view.ts';
import { CTRL_C, keyName, readKeys } from './keys.ts';
import type { Program } from './run.ts';
import { watchSignals } from '../instance/signals.ts';

const LOOK_MS = 400;
const FRAME_MS = 200;
const LINE_MS = 2_000;
const EVENTS_MAX = 100;
/** In the frame that stays when the lab has ended. */
const EVENTS_LEFT = 12;

export async function labCommand(options: LabOptions, program: Program): Promise<number> {
  const refusal = refusalOfLab();
  if (refusal !== null) {
    process.stderr.write(`evenkeel: ${refusal}\n`);
    return EXIT_FAILED;
  }
  try {
    const swept = await sweepLabs();
    if (options.isCleaning) {
      process.stdout.write(swept.length === 0 ? 'nothing was left\n' : `removed ${swept.join(', ')}\n`);
      return EXIT_OK;
    }
    return await runLab(options, program);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`evenkeel: ${error.message}\n`);
    return EXIT_FAILED;
  }
}

async function runLab(options: LabOptions, program: Program): Promise<number> {
  // What is there is removed by the lab's janitor, also if this process ends at once.
  const asked = watchSignals(() => undefined);
  const screen = new LabScreen();
  process.once('exit', () => screen.restore());
  const ha = { ...DEFAULT_HA, intervalMs: options.advertiseMs, guardsGateway: options.guardsGateway };
  const started = LabSession.create(program.command, ha, (event, unixMs) => screen.tell(event, unixMs));
  const first = await Promise.race([started, asked]);
  if (!(first instanceof LabSession)) {
    started.catch(() => undefined);
    return EXIT_OK;
  }
  const session = first;
  const title = `evenkeel ${program.version}  ·  lab  ·  adverts every ${options.advertiseMs} ms`;
  const control = new AbortController();
  try {
    const ends: Promise<unknown>[] = [asked, watch(session, control.signal)];
    if (options.seconds !== null) ends.push(sleep(options.seconds * 1000, undefined, { signal: control.signal }));
    ends.push(screen.open(() => frameOf(session, title), session));
    await Promise.race(ends);
  } finally {
    control.abort();
    screen.close(frameOf(session, title));
    await session.end();
  }
  return EXIT_OK;
}

/** Looks again and again; ends with the lab, or rejects if it cannot look any more. */
async function watch(session: LabSession, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await session.look();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await sleep(LOOK_MS);
  }
}

function frameOf(session: LabSession, title: string): LabFrame {
  const nowMs = monotonicMs();
  const outages = session.isServed ? session.client.outages : new Outages();
  const last = outages.all.at(-1);
  return {
    title,
    address: VIRTUAL_ADDRESS,
    nodes: session.views(),
    ...session.path,
    answered: outages.answered,
    failed: outages.failed,
    isDown: outages.isDown,
    longestMs: outages.longestMs(nowMs),
    last: last === undefined ? null : { lengthMs: lengthOf(last, nowMs), outcomes: outcomesText(last.outcomes) },
  };
}

function outcomesText(outcomes: Partial<Record<Outcome, number>>): string {
  return Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}

/** A frame that is drawn over again, and keys; or, elsewhere, lines out and lines in. */
class LabScreen {
  /** In the order in which they happened. */
  private events: { readonly unixMs: number; readonly line: string }[] = [];
  private readonly isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  private readonly paint = process.env['NO_COLOR'] === undefined ? paint : noPaint;
  private timer: NodeJS.Timeout | undefined;
  private isDrawing = false;
  private giveBackKeys: () => void = () => undefined;
  /** Null: the node that has the address. */
  private target: string | null = null;

  /** Resolves when the user wants the end. */
  open(frame: () => LabFrame, session: LabSession): Promise<void> {
    if (!this.isTerminal) {
      process.stdout.write(`${frame().title}\n`);
      this.timer = setInterval(() => process.stdout.write(`${renderLabLine(frame())}\n`), LINE_MS);
      return this.obeyLines(session);
    }
    // The alternate screen, without a cursor; keys without echo, one by one.
    process.stdout.write('\u001b[?1049h\u001b[?25l');
    this.isDrawing = true;
    this.timer = setInterval(() => this.draw(frame()), FRAME_MS);
    return this.obeyKeys(session);
  }

  /** Leaves the last frame behind. */
  close(frame: LabFrame): void {
    clearInterval(this.timer);
    this.restore();
    const lines = this.isTerminal
      ? renderLabFrame(frame, this.lines().slice(-EVENTS_LEFT), terminalSize().columns, this.paint)
      : [renderLabLine(frame)];
    process.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Gives the terminal back as it was, however the lab ends. Idempotent. */
  restore(): void {
    if (!this.isDrawing) return;
    this.isDrawing = false;
    this.giveBackKeys();
    process.stdout.write('\u001b[?25h\u001b[?1049l');
  }

  tell(event: string, unixMs: number): void {
    const at = new Date(unixMs);
    const line = `${at.toTimeString().slice(0, 8)}.${`${at.getMilliseconds()}`.padStart(3, '0')}  ${event}`;
    if (!this.isTerminal) process.stdout.write(`${line}\n`);
    this.events = [...this.events, { unixMs, line }].toSorted((a, b) => a.unixMs - b.unixMs).slice(-EVENTS_MAX);
  }

  /** A line is an order; its letter will do. */
  private async obeyLines(session: LabSession): Promise<void> {
    for await (const line of createInterface({ input: process.stdin })) {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      if (word === 'quit' || word === 'q') return;
      if (word !== '') await this.obey(session, [KEYS[word] ?? word, ...rest].join(' '));
    }
  }

  private obeyKeys(session: LabSession): Promise<void> {
    return new Promise((resolve) => {
      this.giveBackKeys = readKeys((key) => {
        const order = KEYS[key];
        if (key === 'q' || key === CTRL_C) {
          this.tell('ending: everything is removed', Date.now());
          resolve();
        } else if (key === '0') this.target = null;
        else if (key === '1' || key === '2') this.target = `lb0${key}`;
        else if (order !== undefined) void this.obey(session, `${order} ${this.target ?? ''}`);
        else this.tell(`${keyName(key)} does nothing; the keys are below`, Date.now());
      });
    });
  }

  /** What cannot be done is said, and changes nothing. */
  private async obey(session: LabSession, line: string): Promise<void> {
    try {
      await session.obey(line);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.tell(error.message, Date.now());
    }
  }

  private lines(): string[] {
    return this.events.map(({ line }) => line);
  }

  private draw(frame: LabFrame): void {
    const lines = renderLabScreen(frame, this.lines(), this.target, terminalSize(), this.paint);
    process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
  }
}

/**
 * Gives proxies a place at which other keepers find them, and finds those of keepers that are gone: performs what core/fleet/strays
 * decides. Places are files beside the control socket, so that those who find each other are of one evenkeel.
 */
import { closeSync, fstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { STRAY_LOOK_MS, STRAY_SILENCE_MS_MAX, type StrayAction, Strays } from '../../core/fleet/strays.ts';
import type { AdopterMessage, Meeting, Packet, RendezvousHost } from '../../port/rendezvous.ts';
import type { Log } from '../log/log.ts';
import { makeDirectory } from '../make-directory.ts';

export interface StrayOptions {
  readonly host: RendezvousHost;
  /** Places are called like this, and something more. */
  readonly path: string;
  readonly log: Log;
  /** One has ended that may have fallen to this process when its keeper did. */
  readonly onGone: (pid: number) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

interface Found {
  readonly meeting: Meeting;
  readonly place: string;
  /** Whose proxy it was when it was started. */
  readonly keeper: number;
  beat: number;
  isTold: boolean;
  /** Its beat when it had been told to finish; null: that was just now, or not yet. */
  toldAt: number | null;
}

/** What one may say between two looks; more is heard later. */
const PACKETS_MAX = 64;
/** What one may be listening on. */
const SOCKETS_MAX = 4_096;
/** By then a process that was killed is gone. */
const SOON_MS = 1_000;

export class StrayProxies {
  private readonly options: StrayOptions;
  /** Of this keeper's places. Another one may have the same process id in another container. */
  private readonly own: string;
  /** Rows that have a place. */
  private readonly rows = new Set<number>();
  private readonly strays = new Strays();
  private readonly found = new Map<number, Found>();
  private nextId = 0;
  /** What they listen on, by its identity: several may have the same. */
  private readonly sockets = new Map<number, number>();
  /** Nobody takes over what they listen on. */
  private isSuperseded = false;
  private looking: NodeJS.Timeout | undefined;
  private settle: (() => void)[] = [];

  constructor(options: StrayOptions) {
    this.options = options;
    this.own = `${options.path}.${process.pid}-${process.hrtime.bigint().toString(36)}-`;
  }

  /** For the proxy of this row to listen on. Null: there is none to be had, and nobody will find it. */
  open(row: number): number | null {
    const { host, path } = this.options;
    try {
      makeDirectory(dirname(path));
      const descriptor = host.open(`${this.own}${row}`);
      this.rows.add(row);
      return descriptor;
    } catch {
      return null;
    }
  }

  /** The proxy of this row is gone. */
  close(row: number): void {
    rmSync(`${this.own}${row}`, { force: true });
    this.rows.delete(row);
  }

  /** Finds those whose keeper is gone. Resolves with what they listen on, which is the caller's, when each has said so or was ended. */
  async find(): Promise<readonly number[]> {
    this.look();
    await this.until(() => this.strays.isSettled);
    const sockets = [...this.sockets.values()];
    this.sockets.clear();
    if (this.found.size > 0) {
      const pids = Array.from(this.found.values(), ({ meeting }) => meeting.pid).join(', ');
      this.options.log.warn(
        `proxies of an evenkeel that was killed are still there (pid ${pids}): this one takes their ${sockets.length} listening ` +
          `sockets over, and they finish what they have`,
      );
    }
    return sockets;
  }

  /**
   * A keeper is gone, or about to be: those that it may have left are looked for. Resolves when none of them accepts any more, if others
   * serve in their place.
   */
  async lookSoon(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, SOON_MS).unref());
    this.look();
    await this.until(() => this.strays.isSettled && [...this.found.values()].every(hasHeeded));
  }

  private look(): void {
    const { path, host } = this.options;
    const known = new Set(Array.from(this.found.values(), ({ place }) => place));
    for (const name of namesIn(dirname(path))) {
      const place = join(dirname(path), name);
      const keeper = /^\.([0-9]+)-[0-9a-z]+-[0-9]+$/.exec(name.slice(basename(path).length));
      if (!name.startsWith(basename(path)) || keeper === null || known.has(place)) continue;
      if (place.startsWith(this.own)) continue;
      const meeting = host.meet(place);
      if (meeting === null) {
        // One that has just been started does not listen yet.
        if (!isAlive(Number(keeper[1]))) rmSync(place, { force: true });
        continue;
      }
      const id = this.nextId++;
      this.found.set(id, { meeting, place, keeper: Number(keeper[1]), beat: 0, isTold: false, toldAt: null });
      this.strays.handleFound(id);
    }
    this.act();
    if (this.found.size > 0) this.looking ??= setInterval(() => this.hear(), STRAY_LOOK_MS);
  }

  /** Others serve in their place: they finish within this time. A later call may shorten it. */
  supersede(withinMs: number, keepsIdle = true): void {
    this.isSuperseded = true;
    this.strays.handleSuperseded(this.options.now(), withinMs, keepsIdle);
    this.act();
  }

  /** The same. Resolves when all are gone. */
  async finish(withinMs: number, keepsIdle = false): Promise<void> {
    this.supersede(withinMs, keepsIdle);
    await this.until(() => this.found.size === 0);
  }

  /** Ends all of them at once, with this keeper's own, whose end nobody waits for any more. */
  kill(): void {
    for (const row of this.rows) this.close(row);
    this.strays.handleKill();
    this.act();
    for (const id of this.found.keys()) this.forget(id);
  }

  // --- inside ---

  private until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return void this.settle.push(look);
        resolve();
      };
      look();
    });
  }

  private hear(): void {
    for (const found of this.found.values()) if (found.isTold) found.toldAt ??= found.beat;
    for (const [id, { meeting }] of this.found) this.hearOne(id, meeting);
    this.strays.handleLook(
      this.options.now(),
      (id) => this.found.get(id)!.beat,
      (id) => isAlive(this.found.get(id)!.keeper),
    );
    this.act();
    for (const look of this.settle.splice(0)) look();
    if (this.found.size > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private hearOne(id: number, meeting: Meeting): void {
    for (let i = 0; i < PACKETS_MAX && this.found.has(id); i++) {
      const packet = meeting.receive();
      if (packet === null) return;
      if (packet === 'gone') {
        this.strays.handleGone(id);
        this.forget(id);
      } else {
        this.handlePacket(id, packet);
      }
    }
  }

  private handlePacket(id: number, { text, descriptors }: Packet): void {
    for (const descriptor of descriptors) this.takeSocket(descriptor);
    this.found.get(id)!.beat++;
    const type = typeOf(text);
    if (type === 'kept') this.strays.handleKept(id);
    else if (type === 'stray') this.strays.handleStray(this.options.now(), id);
    this.act();
  }

  private takeSocket(descriptor: number): void {
    const { ino } = fstatSync(descriptor);
    const { sockets } = this;
    if (this.isSuperseded || sockets.has(ino) || sockets.size >= SOCKETS_MAX) closeSync(descriptor);
    else sockets.set(ino, descriptor);
  }

  private act(): void {
    for (const action of this.strays.takeActions()) this.perform(action);
  }

  private perform(action: StrayAction): void {
    const found = this.found.get(action.id);
    if (found === undefined) return;
    switch (action.kind) {
      case 'let-go':
        return this.forget(action.id, false);
      case 'drain': {
        const { withinMs, keepsIdle } = action;
        const message: AdopterMessage = { type: 'drain', withinMs, keepsIdle };
        found.isTold = true;
        return found.meeting.send(JSON.stringify(message));
      }
      case 'kill':
        return this.end(action.id, found, action.why);
    }
  }

  private end(id: number, { meeting: { pid } }: Found, why: 'silent' | 'overdue' | 'stop'): void {
    const { log } = this.options;
    const whose = `the proxy with pid ${pid}, of an evenkeel that was killed,`;
    if (why === 'silent') log.error(`${whose} hangs: no sign of life for ${STRAY_SILENCE_MS_MAX} ms; ending it`);
    if (why === 'overdue') log.warn(`${whose} had connections left when its time to finish was over: ended`);
    try {
      // Its end of the connection is open, so the process is still that one. No process of another namespace has a number here.
      if (pid <= 1) throw new Error('it cannot be seen from here');
      process.kill(pid, 'SIGKILL');
    } catch {
      log.error(`${whose} cannot be ended from here: end it by hand`);
      this.strays.handleGone(id);
      this.forget(id, false);
    }
  }

  /** `isGone`: nobody listens there any more. */
  private forget(id: number, isGone = true): void {
    const found = this.found.get(id);
    if (found === undefined) return;
    this.found.delete(id);
    found.meeting.close();
    if (!isGone) return;
    rmSync(found.place, { force: true });
    this.options.onGone(found.meeting.pid);
  }
}

/** None if it cannot be read. */
/** A sign of life may have been on its way when it was told; the second one came after it had read that. */
function hasHeeded({ isTold, toldAt, beat }: Found): boolean {
  return !isTold || (toldAt !== null && beat >= toldAt + 2);
}

export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Dead ones that nobody has buried yet are not. */
export function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^\) [ZX]/.test(text.slice(text.lastIndexOf(')')));
  } catch {
    return false;
  }
}

function typeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly type?: unknown } | null)?.type;
  } catch {
    return undefined;
  }
}

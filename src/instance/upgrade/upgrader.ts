/**
 * The succession of keepers, as the one in charge performs it: starts the program that is on disk now, gives it what it
 * inherits, and gives way when it serves. core/fleet/generations.ts decides. What it hears once it has been succeeded comes over
 * the same link.
 */
import { closeSync } from 'node:fs';
import { LearnedTable } from '../../base/learned-table.ts';
import { TlsSessionTable } from '../../base/tls-session-table.ts';
import { systemReason } from '../../base/system-error.ts';
import { Generations, type GenerationAction } from '../../core/fleet/generations.ts';
import type { Override } from '../../core/overrides.ts';
import type { SecretsByNode } from '../../core/peers/ticket-secrets.ts';
import { lendCapabilities } from '../../io/linux/capabilities.ts';
import { becomeSubreaper, startOrphan } from '../../io/linux/family.ts';
import { linuxHost } from '../../io/linux/host.ts';
import { SOCK_STREAM } from '../../io/linux/libc.ts';
import { socketPair } from '../../io/linux/socket-messages.ts';
import { GenerationLink, type GenerationMessage } from '../../keeper/generations/generation-link.ts';
import type { CountMemory } from '../../keeper/generations/former-counts.ts';
import { LateCounts, NO_COUNTS } from '../../keeper/generations/late-counts.ts';
import type { HaKeeper } from '../../keeper/ha/ha-keeper.ts';
import type { HaMemory } from '../../keeper/ha/heritage.ts';
import type { Inheritance, LastWords } from '../../keeper/generations/inheritance.ts';
import type { Keeper } from '../../keeper/keeper.ts';
import type { Log } from '../../keeper/log/log.ts';
import type { DescriptorChannel } from '../../port/host.ts';
import { SUCCESSOR_VARIABLE, type Succession } from './succession.ts';
import type { Wards } from './wards.ts';

/** This keeper is still in charge. The message says why. */
export class UpgradeError extends Error {
  override readonly name = 'UpgradeError';
  /** It has nothing to do with the new program: the next try may do. */
  readonly isPassing: boolean;

  constructor(message: string, isPassing = false) {
    super(message);
    this.isPassing = isPassing;
  }
}

export interface UpgraderOptions {
  readonly keeper: Pick<Keeper, 'bequeath' | 'connectionsToFinish' | 'recallLate'>;
  readonly counts: () => CountMemory;
  /** What was said by hand and a successor cannot read; null: nothing. */
  readonly overrides: () => readonly Override[] | null;
  /** What was heard of peers. */
  readonly ticketSecrets: () => SecretsByNode;
  /** Null: there are no virtual addresses. */
  readonly ha: () => Pick<HaKeeper, 'bequeath' | 'part' | 'rejoin' | 'yield'> | null;
  readonly log: Log;
  /** The command line that has started this keeper. */
  readonly command: readonly [string, ...string[]];
  /** It stays until its successors have ended, and they are its children. Null: they fall to somebody else. */
  readonly wards: Wards | null;
  /** For what a keeper has open that nobody counts among those that finish. */
  readonly graceMs: () => number;
  /** Why there can be no successor now; null: there can. */
  readonly findObstacle: () => string | null;
  /** Another keeper, before this one or to be after it, has ended. Resolves when no proxy that it may have left accepts any more. */
  readonly onKeeperGone: () => Promise<void>;
  /** This process is about to be no longer the one that the service manager listens to. */
  readonly onHandOver: (successor: number) => void;
}

/** Who is in charge now. */
export interface Successor {
  readonly pid: number;
  readonly version: string;
  /** What it listens on. */
  readonly addresses: readonly string[];
}

/** The end of a program that takes nothing any more is heard within this time. */
const ENDED_MS = 500;
const LOOK_MS = 1_000;
/** How often it is told what was counted since. */
const COUNTS_MS = 1_000;
/** For what a keeper before this one has to say when its time is over. */
const OLD_MARGIN_MS = 1_000;

const RIGHTS = ['CAP_NET_BIND_SERVICE', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_NICE'] as const;

interface Candidate {
  readonly link: GenerationLink;
  readonly channel: DescriptorChannel;
  pid: number;
  version: string;
  addresses: readonly string[];
  isAbandoned: boolean;
  isGone: boolean;
}

export class Upgrader {
  /** Resolves when another keeper is in charge. */
  readonly succeeded: Promise<Successor>;
  /** Another one is in charge, after this one's own successor. */
  onInCharge: (pid: number) => void = () => undefined;
  private readonly options: UpgraderOptions;
  private readonly generations = new Generations();
  /** Keepers before this one, by the order of their succession. The first may stay, as the parent of all, when it has finished. */
  private readonly old = new Map<number, GenerationLink>();
  /** Those that have something left. */
  private readonly finishing = new Set<number>();
  private whenAlone: () => void = () => undefined;
  private candidate: Candidate | null = null;
  private memory: HaMemory | null = null;
  private running: Promise<Successor> | null = null;
  private settle: { resolve(successor: Successor): void; reject(error: UpgradeError): void } | null = null;
  private settleSucceeded: (successor: Successor) => void = () => undefined;
  private looking: NodeJS.Timeout | undefined;
  /** Null: it is in charge. */
  private lateCounts: LateCounts | null = null;
  private telling: NodeJS.Timeout | undefined;
  /** Null: it has not begun to finish; how long it may take is kept until then. */
  private handleFinish: ((graceMs: number) => void) | null = null;
  private finishMs: number | null = null;
  private hasFinished = false;
  private isPassing = false;

  constructor(options: UpgraderOptions) {
    this.options = options;
    this.succeeded = new Promise((resolve) => {
      this.settleSucceeded = resolve;
    });
  }

  /** To be called when this one has begun to finish. Whoever is in charge wants it to have done so within this time; or nobody is. */
  onFinish(handle: (graceMs: number) => void): void {
    this.handleFinish = handle;
    if (this.finishMs !== null) handle(this.finishMs);
  }

  /** From its beginning until it has failed: what changes here now is not known to a successor. */
  get isUnderWay(): boolean {
    return this.running !== null;
  }

  /** This keeper has come into charge: it looks after those before it. */
  follow({ link, links, finished }: Succession): void {
    const before = links.map((descriptor) => {
      return new GenerationLink(descriptor, { handleMessage: () => undefined, handleGone: () => undefined });
    });
    [...before, link].forEach((each, id) => {
      this.old.set(id, each);
      each.handler = {
        handleMessage: (message) => {
          if (message.type === 'counted') this.options.keeper.recallLate(message.counts);
          if (message.type === 'finished') this.handleFinished(id);
        },
        handleGone: () => this.forget(id),
      };
      each.say({ type: 'in-charge', pid: process.pid });
      if (finished.includes(id)) return;
      this.finishing.add(id);
      this.generations.handleOld(id);
    });
    this.act();
  }

  /** Resolves when a successor is in charge; rejects with UpgradeError. `by`: who asked, for the log. */
  async upgrade(by: string): Promise<Successor> {
    const { log, findObstacle } = this.options;
    if (this.running !== null) return this.running;
    const obstacle = findObstacle();
    if (obstacle !== null) {
      log.error(`upgrade by ${by} refused: ${obstacle}`);
      throw new UpgradeError(obstacle);
    }
    log.info(`upgrade by ${by}: starting the program that is on disk now`);
    const running = new Promise<Successor>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.running = running;
    this.generations.handleUpgrade(performance.now());
    this.act();
    return running;
  }

  /** Everything ends. Resolves when the keepers before this one have finished, or had this time. */
  async stop(graceMs: number): Promise<void> {
    this.generations.handleStop();
    this.act();
    if (this.finishing.size === 0) return;
    const alone = new Promise<void>((resolve) => {
      this.whenAlone = resolve;
    });
    for (const link of this.old.values()) link.say({ type: 'finish', graceMs });
    const timer = setTimeout(() => this.whenAlone(), graceMs + OLD_MARGIN_MS);
    await alone;
    clearTimeout(timer);
  }

  kill(): void {
    this.generations.handleStop();
    this.act();
    for (const link of this.old.values()) link.say({ type: 'finish', graceMs: 0 });
  }

  /** After it was succeeded: nothing is left here. Resolves when that is said to whoever is in charge. */
  async sayFinished(): Promise<void> {
    // Until the successor has said so to all of us, the end of this process would be taken for the end of evenkeel.
    await this.running?.catch(() => undefined);
    this.hasFinished = true;
    clearInterval(this.telling);
    this.tellCounts();
    this.candidate?.link.say({ type: 'finished' });
    await this.candidate?.link.flush();
  }

  // --- inside ---

  private act(): void {
    for (const action of this.generations.takeActions()) this.perform(action);
  }

  private perform(action: GenerationAction): void {
    switch (action.kind) {
      case 'start':
        return void this.start();
      case 'part':
        return void this.part(this.candidate!);
      case 'yield':
        return void this.yield();
      case 'hand-over':
        return this.handOver();
      case 'abandon':
        return void this.abandon(action.reason);
      case 'hasten':
        return this.hasten(this.options.graceMs());
      case 'end':
        this.options.log.warn('there are too many keepers that still finish: the oldest one is ended');
        return this.old.get(action.id)?.say({ type: 'finish', graceMs: 0 });
    }
  }

  private async start(): Promise<void> {
    const { command, wards } = this.options;
    if (wards !== null) becomeSubreaper();
    this.looking = setInterval(() => {
      this.generations.handleLook(performance.now());
      this.act();
    }, LOOK_MS);
    const ends = socketPair(SOCK_STREAM);
    if (typeof ends === 'number') return this.fail('out of file descriptors');
    const [own, other] = ends;
    const channel = linuxHost.createDescriptorChannel();
    const candidate: Candidate = {
      link: new GenerationLink(own, {
        handleMessage: (message) => this.handleMessage(candidate, message),
        handleGone: () => {
          candidate.isGone = true;
          if (this.candidate !== candidate) return;
          // Who asked for it is told, whatever became of it.
          if (this.generations.isInCharge) void this.options.onKeeperGone();
          else this.settle?.resolve(candidate);
          this.generations.handleSuccessorGone();
          this.act();
        },
      }),
      channel,
      pid: 0,
      version: '',
      addresses: [],
      isAbandoned: false,
      isGone: false,
    };
    this.candidate = candidate;
    const { WATCHDOG_PID: _, ...environment } = process.env;
    const env = { ...environment, [SUCCESSOR_VARIABLE]: '1' };
    try {
      // It is to have the rights of this process, whoever has given them.
      candidate.pid = await lendCapabilities(RIGHTS, () => startOrphan(command, env, [other, channel.other]));
      if (candidate.isAbandoned) this.end(candidate.pid);
    } catch (error) {
      this.fail(`the new program cannot be started: ${systemReason(error)}`);
    } finally {
      closeSync(other);
      closeSync(channel.other);
    }
  }

  private handleMessage(candidate: Candidate, message: GenerationMessage): void {
    switch (message.type) {
      case 'hello':
        candidate.version = message.version;
        return this.bequeath(candidate);
      case 'serving':
        candidate.addresses = message.addresses;
        this.generations.handleReady(performance.now());
        return this.act();
      case 'standing-by':
        this.generations.handleStandsBy();
        return this.act();
      case 'failed':
        return this.fail(message.reason);
      case 'in-charge':
        if (message.pid === candidate.pid) this.settle?.resolve(candidate);
        this.onInCharge(message.pid);
        // It hears whatever is said from now on.
        this.telling ??= setInterval(() => this.tellCounts(), COUNTS_MS).unref();
        // What was said to the one before may not have been passed on.
        if (this.hasFinished) void this.sayFinished();
        return;
      case 'finish':
        return this.hasten(message.graceMs);
      case 'inherit':
      case 'stand-by':
      case 'take-over':
      case 'counted':
      case 'finished':
    }
  }

  private bequeath(candidate: Candidate): void {
    const { link, channel } = candidate;
    let ha: ReturnType<HaKeeper['bequeath']> | null;
    try {
      ha = this.options.ha()?.bequeath() ?? null;
    } catch (error) {
      return this.fail((error as Error).message, true);
    }
    const { learned, sessions, sockets, udpSessions, ticketSecret, ...memories } = this.options.keeper.bequeath();
    const links = Array.from(this.old.values(), ({ descriptor }) => descriptor);
    const finished = [...this.old.keys()].flatMap((id, i) => (this.finishing.has(id) ? [] : [i]));
    const inheritance: Inheritance = {
      ...memories,
      ticketSecret: Buffer.from(ticketSecret).toString('hex'),
      ...(sessions === null ? {} : { sessions: TlsSessionTable.layout }),
      ...(learned === null ? {} : { learned: LearnedTable.layout }),
      ticketSecrets: this.options.ticketSecrets(),
      links: links.length,
      finished,
      overrides: this.options.overrides(),
      udpSessions: Array.from(udpSessions.keys(), (socket) => sockets.indexOf(socket)),
      ha: ha?.heritage ?? null,
    };
    const file = linuxHost.createUnnamedFile('evenkeel-inheritance', Buffer.from(JSON.stringify(inheritance)));
    const descriptors = [
      file,
      ...links,
      ...(ha?.descriptors ?? []),
      ...(sessions === null ? [] : [sessions]),
      ...(learned === null ? [] : [learned]),
      ...sockets,
      ...udpSessions.values(),
    ];
    const isSent = channel.send(descriptors);
    for (const sent of [file, ...udpSessions.values()]) closeSync(sent);
    if (isSent) return link.say({ type: 'inherit', descriptors: descriptors.length });
    // Where it has ended, that is the reason, and is told at once.
    setTimeout(() => {
      if (this.candidate === candidate && !candidate.isGone)
        this.fail('the listening sockets could not be sent to the new program');
    }, ENDED_MS);
  }

  private async part(candidate: Candidate): Promise<void> {
    const ha = this.options.ha();
    if (ha === null) {
      this.generations.handleStandsBy();
      return this.act();
    }
    try {
      await ha.part();
      if (!candidate.isAbandoned) candidate.link.say({ type: 'stand-by' });
    } catch (error) {
      if (!candidate.isAbandoned) this.fail((error as Error).message, true);
    }
  }

  private async yield(): Promise<void> {
    this.memory = (await this.options.ha()?.yield()) ?? null;
    this.generations.handleYielded();
    this.act();
  }

  private handOver(): void {
    const { log, keeper, onHandOver } = this.options;
    const { link, channel, pid, version, addresses, isGone } = this.candidate!;
    clearInterval(this.looking);
    onHandOver(pid);
    link.say({ type: 'take-over', memory: this.sendLastWords(channel) });
    channel.close();
    // It has ended when there was no way back.
    if (isGone) this.settle?.resolve(this.candidate!);
    for (const each of this.old.values()) each.close();
    this.old.clear();
    this.finishing.clear();
    const left = keeper.connectionsToFinish();
    const finishes = left === '' ? 'nothing is left here to finish' : `this one finishes what is open: ${left}`;
    log.info(`evenkeel ${version} is in charge (pid ${pid}); ${finishes}`);
    this.settleSucceeded({ pid, version, addresses });
  }

  private sendLastWords(channel: DescriptorChannel): boolean {
    const counts = this.options.counts();
    const words: LastWords = { counts, ha: this.memory };
    const file = linuxHost.createUnnamedFile('evenkeel-last-words', Buffer.from(JSON.stringify(words)));
    const isSent = channel.send([file]);
    closeSync(file);
    this.lateCounts = new LateCounts(isSent ? counts : NO_COUNTS);
    return isSent;
  }

  /** To whoever is in charge, unless that one does not listen: then it is for the next time. */
  private tellCounts(): void {
    const link = this.candidate?.link;
    if (this.lateCounts === null || link === undefined || !link.isFlushed) return;
    for (const counts of this.lateCounts.take(this.options.counts())) link.say({ type: 'counted', counts });
  }

  /** `isPassing`: see UpgradeError. */
  private fail(reason: string, isPassing = false): void {
    this.isPassing = isPassing;
    this.generations.handleFailed(reason);
    this.act();
  }

  /** As if nothing had been. */
  private async abandon(reason: string): Promise<void> {
    const { candidate } = this;
    clearInterval(this.looking);
    this.candidate = null;
    if (candidate !== null) {
      candidate.isAbandoned = true;
      candidate.link.close();
      candidate.channel.close();
      if (candidate.pid > 0) this.end(candidate.pid);
    }
    this.options.ha()?.rejoin();
    this.options.log.error(`upgrade failed, and this evenkeel goes on: ${reason}`);
    // Its proxies may accept yet, by the file as it was: nothing is changed before they have stopped.
    const hasSockets = candidate !== null && candidate.version !== '';
    if (hasSockets && this.options.findObstacle() === null) await this.options.onKeeperGone();
    this.settle?.reject(new UpgradeError(reason, this.isPassing));
    this.isPassing = false;
    this.settle = null;
    this.running = null;
  }

  private hasten(graceMs: number): void {
    this.finishMs = graceMs;
    this.handleFinish?.(graceMs);
  }

  private handleFinished(id: number): void {
    this.generations.handleFinished(id);
    this.finishing.delete(id);
    if (this.finishing.size === 0) this.whenAlone();
  }

  private forget(id: number): void {
    void this.options.onKeeperGone();
    this.old.get(id)?.close();
    this.old.delete(id);
    this.handleFinished(id);
  }

  private end(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    void this.options.wards?.ended(pid);
    void this.options.onKeeperGone();
  }
}

/**
 * A stand-in for a proxy process: takes plans and sockets, accepts, serves for a while, drains. Without a keeper it serves on or
 * finishes, and is adopted. It hangs and dies when it is told to.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import type { World } from '../world.ts';
import type { Connection, Kernel } from './kernel.ts';

export interface Delivered {
  readonly generation: number;
  readonly plan: Plan;
  /** Its own from now on. */
  readonly descriptors: readonly number[];
}

export interface ProxyEvents {
  applied(generation: number): void;
  /** Its time to finish is over, and what is left is ended. */
  cut(): void;
  exited(reason: string): void;
}

/** A keeper that has found it. */
export interface Adopter {
  /** It has a keeper. */
  kept(proxy: ProxyProcess): void;
  /** It has none. */
  stray(proxy: ProxyProcess): void;
  alive(proxy: ProxyProcess): void;
}

const TURN_US = 10_000;

export class ProxyProcess {
  readonly pid: number;
  beat = 0;
  isGone = false;
  isFrozen = false;
  /** Why what it carries may be cut; null: it may not. */
  excuse: string | null = null;
  /** What it serves by; null: nothing yet. */
  plan: Plan | null = null;
  private readonly world: World;
  private readonly kernel: Kernel;
  private events: ProxyEvents | null;
  private readonly open = new Set<Connection>();
  private readonly inbox: (() => void)[] = [];
  private sockets: readonly number[] = [];
  private isDraining = false;
  private servesOn = false;
  private hasKeeper = true;
  private adopter: Adopter | null = null;
  private graceUs = 0;
  private cutAtUs = Infinity;
  private endAtUs = Infinity;

  constructor(world: World, kernel: Kernel, prng: Prng, pid: number, events: ProxyEvents) {
    this.world = world;
    this.kernel = kernel;
    this.pid = pid;
    this.events = events;
    world.schedule(50_000 + prng.below(400_000), () => this.turn());
  }

  get connections(): number {
    return this.open.size;
  }

  // --- by its keeper ---

  apply(delivered: Delivered): void {
    this.inbox.push(() => {
      for (const descriptor of this.sockets) this.kernel.close(descriptor);
      this.sockets = this.isDraining ? [] : delivered.descriptors;
      if (this.isDraining) for (const descriptor of delivered.descriptors) this.kernel.close(descriptor);
      this.plan = delivered.plan;
      this.graceUs = delivered.plan.graceMs * 1_000;
      this.say((events) => events.applied(delivered.generation));
    });
  }

  /** Null: for as long as it takes. */
  drain(withinMs: number | null): void {
    if (withinMs !== null) this.world.schedule(withinMs * 1_000, () => (this.excuse ??= 'its time to finish is over'));
    this.inbox.push(() => {
      this.beginDrain();
      if (withinMs !== null) this.cutAtUs = Math.min(this.cutAtUs, this.world.nowUs + withinMs * 1_000);
    });
  }

  /** From now on it serves on without a keeper. */
  outlive(): void {
    this.inbox.push(() => (this.servesOn = true));
  }

  handleKeeperGone(): void {
    this.events = null;
    this.hasKeeper = false;
    this.inbox.push(() => this.beAlone());
  }

  // --- by another one ---

  meet(adopter: Adopter): void {
    this.inbox.push(() => {
      if (this.hasKeeper || this.adopter !== null) return adopter.kept(this);
      this.adopter = adopter;
      adopter.stray(this);
    });
  }

  handleAdopterGone(adopter: Adopter): void {
    this.inbox.push(() => {
      if (this.adopter !== adopter) return;
      this.adopter = null;
      this.beAlone();
    });
  }

  get hasLivingKeeper(): boolean {
    return this.hasKeeper;
  }

  get descriptors(): readonly number[] {
    return this.sockets;
  }

  kill(): void {
    this.exit('killed by SIGKILL');
  }

  // --- inside ---

  private turn(): void {
    if (this.isGone) return;
    if (!this.isFrozen) {
      this.beat++;
      if (this.world.nowUs >= this.endAtUs) {
        this.excuse ??= 'its keeper is gone';
        return this.exit('exit code 0');
      }
      for (const act of this.inbox.splice(0)) act();
      this.adopter?.alive(this);
      for (const socket of this.sockets) this.acceptFrom(socket);
      if (this.isDraining && this.open.size === 0) return this.exit('exit code 0');
      if (this.world.nowUs >= this.cutAtUs) this.cut();
    }
    this.world.schedule(TURN_US, () => this.turn());
  }

  private acceptFrom(socket: number): void {
    for (let next = this.kernel.accept(socket); next !== null; next = this.kernel.accept(socket)) {
      const connection = next;
      this.open.add(connection);
      this.world.schedule(connection.workUs, () => {
        if (!this.open.delete(connection)) return;
        connection.state = 'served';
      });
    }
  }

  private cut(): void {
    for (const connection of this.open) connection.state = 'cut';
    this.open.clear();
    this.say((events) => events.cut());
  }

  /** Nobody may end it now: where it does not serve on, it ends itself. */
  private beAlone(): void {
    if (this.servesOn && !this.isDraining) return;
    this.beginDrain();
    this.endAtUs = Math.min(this.endAtUs, this.world.nowUs + this.graceUs);
  }

  private beginDrain(): void {
    this.isDraining = true;
    for (const descriptor of this.sockets) this.kernel.close(descriptor);
    this.sockets = [];
  }

  private say(message: (events: ProxyEvents) => void): void {
    this.world.schedule(100, () => {
      if (this.events !== null && !this.isGone) message(this.events);
    });
  }

  private exit(reason: string): void {
    if (this.isGone) return;
    this.isGone = true;
    if (this.open.size > 0 && this.excuse === null && !this.isFrozen) {
      this.world.fail('connection cut', `process ${this.pid} ends with ${this.open.size} connections: ${reason}`);
    }
    for (const connection of this.open) connection.state = 'cut';
    this.open.clear();
    this.kernel.closeAll(this.pid);
    this.world.note('process %a: %b', this.pid, reason);
    this.world.schedule(100, () => this.events?.exited(reason));
  }
}

/** The names of servers: each is asked for as its upstream says, and health hears the answers. */
import type { AskedName } from '../../core/asked-name.ts';
import type { Log } from '../log/log.ts';
import type { HealthRegistry } from './health.ts';
import { askHost, askService } from './services.ts';
import { type NameAnswer, type NameFailure, type NameMemory, Names } from './names.ts';

/** How long the first answers may delay the start. They come when they come. */
const FIRST_ANSWERS_MS_MAX = 2_000;

export class ServerNames {
  private readonly health: Pick<HealthRegistry, 'names' | 'handleName'>;
  private readonly names: Names;
  /** By their text. */
  private asked: ReadonlyMap<string, AskedName> = new Map();

  /** `known`: the last answers that a predecessor got. */
  constructor(health: Pick<HealthRegistry, 'names' | 'handleName'>, log: Log, known?: readonly NameMemory[]) {
    this.health = health;
    this.names = new Names(
      (name, last) => this.ask(name, last),
      log,
      (name, answer) => health.handleName(name, answer),
      known,
    );
  }

  /** Asks for those that health wants. Names that were known before answer at once; the others delay a start for a moment and nothing else. */
  async apply(): Promise<void> {
    this.asked = this.health.names();
    const names = [...this.asked.keys()];
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_ANSWERS_MS_MAX);
    });
    const answered = this.names.apply(names);
    for (const name of names) {
      const answer = this.names.answerOf(name);
      if (answer !== null) this.health.handleName(name, answer);
    }
    await Promise.race([answered, timeout]);
    clearTimeout(timer);
  }

  failureOf(name: string): NameFailure | null {
    return this.names.failureOf(name);
  }

  /** The last answers, for a successor. */
  memories(): readonly NameMemory[] {
    return this.names.memories();
  }

  stop(): void {
    this.names.stop();
  }

  private async ask(name: string, last: NameAnswer | null): Promise<NameAnswer> {
    const asked = this.asked.get(name);
    if (asked === undefined) throw new Error('nobody wants to know any more');
    const { hostname, isService, resolver } = asked;
    const answer = isService ? await askService(hostname, resolver, last) : await askHost(hostname, resolver);
    return { ...answer, ttlMs: resolver?.validMs ?? answer.ttlMs };
  }
}

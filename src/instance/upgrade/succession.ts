/** The start of a keeper that succeeds another one: what it takes over, and when it is in charge. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { receiveDescriptors } from '../../io/linux/descriptor-channel.ts';
import { ORPHAN_DESCRIPTORS } from '../../io/linux/family.ts';
import { GenerationLink, type GenerationMessage } from '../../keeper/generations/generation-link.ts';
import { LearnedTable } from '../../base/learned-table.ts';
import { TlsSessionTable } from '../../base/tls-session-table.ts';
import type { Override } from '../../core/overrides.ts';
import type { SecretsByNode } from '../../core/peers/ticket-secrets.ts';
import type { HaHeritage } from '../../keeper/ha/heritage.ts';
import type { Inheritance, LastWords } from '../../keeper/generations/inheritance.ts';
import type { Inherited } from '../../keeper/keeper.ts';
import { StartError } from '../../keeper/start-error.ts';

/** What a predecessor leaves. */
export interface Estate extends Inherited {
  /** What it has heard of peers. */
  readonly ticketSecrets: SecretsByNode;
  /** What was said by hand; null: it is in the file. */
  readonly overrides: readonly Override[] | null;
  /** Null: it has no virtual addresses. */
  readonly ha: InheritedHa | null;
}

export interface InheritedHa {
  readonly heritage: HaHeritage;
  readonly board: number;
  /** Of the process that takes part. */
  readonly lifeline: number;
}

/** Descriptors of `ha`. */
const HA_DESCRIPTORS = 2;

/** Set for a successor, and for nobody else. */
export const SUCCESSOR_VARIABLE = 'EVENKEEL_SUCCESSOR';
/** What it inherits: the link to its predecessor, and where descriptors come from. */
const LINK = ORPHAN_DESCRIPTORS;
const CHANNEL = ORPHAN_DESCRIPTORS + 1;

export class Succession {
  /** To the predecessor. */
  readonly link: GenerationLink;
  /** To the keepers before it; the oldest first. */
  links: readonly number[] = [];
  /** Which of them have nothing left to finish. */
  finished: readonly number[] = [];
  private readonly waiting = new Map<GenerationMessage['type'], (message: GenerationMessage) => void>();
  private readonly gone: Promise<never>;

  /** Null: this process succeeds nobody. */
  static take(environment: NodeJS.ProcessEnv): Succession | null {
    if (environment[SUCCESSOR_VARIABLE] === undefined) return null;
    delete environment[SUCCESSOR_VARIABLE];
    return new Succession();
  }

  private constructor() {
    const handleMessage = (message: GenerationMessage): void => this.waiting.get(message.type)?.(message);
    this.link = new GenerationLink(LINK, { handleMessage, handleGone: () => undefined });
    this.gone = new Promise((_, reject) => {
      const handleGone = (): void => reject(new StartError('the keeper that is to be succeeded is gone'));
      this.link.handler = { handleMessage, handleGone };
    });
    this.gone.catch(() => undefined);
  }

  /** Takes over what the predecessor has. */
  async inherit(version: string): Promise<Estate> {
    this.link.say({ type: 'hello', version, pid: process.pid });
    const { descriptors } = await this.next('inherit');
    const received = receiveDescriptors(CHANNEL, descriptors);
    if (received === null) throw new StartError('the listening sockets did not arrive: out of file descriptors');
    const [file, ...others] = received;
    const inheritance = JSON.parse(readWhole(file)) as Inheritance;
    closeSync(file);
    const { links, finished, servers, names, ticketSecret: key, ticketSecrets = {}, overrides = null } = inheritance;
    const ticketSecret = key === undefined ? null : Uint8Array.from(Buffer.from(key, 'hex'));
    this.links = others.slice(0, links);
    this.finished = finished ?? [];
    const rest = others.slice(links);
    const ha = takeHa(inheritance, rest);
    const sessions = takeTable(inheritance.sessions, TlsSessionTable.layout, rest);
    const learned = takeTable(inheritance.learned, LearnedTable.layout, rest);
    const udpSessions = takeUdpSessions(inheritance, rest);
    return {
      servers,
      names,
      ticketSecret,
      ticketSecrets,
      overrides,
      ha,
      sessions,
      learned,
      sockets: rest,
      udpSessions,
    };
  }

  /**
   * Serves at these addresses. `watch` has a process stand by for the virtual addresses. Resolves when this keeper is in charge, with
   * what is known in the end; null: nothing was said.
   */
  async takeOver(addresses: readonly string[], watch: () => Promise<void>): Promise<LastWords | null> {
    // Where there are no virtual addresses it is not asked for.
    this.standBy(watch).catch(() => undefined);
    const taken = this.next('take-over');
    this.link.say({ type: 'serving', addresses });
    const { memory = false } = await taken;
    const [file] = memory ? (receiveDescriptors(CHANNEL, 1) ?? []) : [];
    closeSync(CHANNEL);
    if (file === undefined) return null;
    const known = JSON.parse(readWhole(file)) as LastWords;
    closeSync(file);
    return known;
  }

  private async standBy(watch: () => Promise<void>): Promise<void> {
    await this.next('stand-by');
    await watch();
    this.link.say({ type: 'standing-by' });
  }

  /** It cannot. Resolves when that is said. */
  async fail(reason: string): Promise<void> {
    this.link.say({ type: 'failed', reason });
    await this.link.flush();
  }

  private next<T extends GenerationMessage['type']>(type: T): Promise<Extract<GenerationMessage, { type: T }>> {
    const message = new Promise<GenerationMessage>((resolve) => this.waiting.set(type, resolve));
    return Promise.race([message, this.gone]) as Promise<Extract<GenerationMessage, { type: T }>>;
  }
}

/** The last ones. What is left are listening sockets. */
function takeUdpSessions({ udpSessions = [] }: Inheritance, descriptors: number[]): ReadonlyMap<number, number> {
  const ends = descriptors.splice(descriptors.length - udpSessions.length);
  return new Map(udpSessions.map((index, i) => [descriptors[index], ends[i]]));
}

/** Takes what is of it from the front of `descriptors`. */
function takeHa({ ha: heritage = null }: Inheritance, descriptors: number[]): InheritedHa | null {
  if (heritage === null) return null;
  const [board, lifeline] = descriptors.splice(0, HA_DESCRIPTORS);
  return { heritage, board, lifeline };
}

/** The same. A table that another version has laid out otherwise is given up: sessions of TLS cost a handshake each, those of applications may move. */
function takeTable(layout: string | undefined, known: string, descriptors: number[]): number | null {
  if (layout === undefined) return null;
  const [table] = descriptors.splice(0, 1);
  if (layout === known) return table;
  closeSync(table);
  return null;
}

function readWhole(file: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size);
  for (let at = 0; at < bytes.length;) {
    const count = readSync(file, bytes, at, bytes.length - at, at);
    if (count === 0) throw new StartError('what the predecessor left is cut short');
    at += count;
  }
  return bytes.toString();
}

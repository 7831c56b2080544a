/**
 * `npm run lab -- --classic`: the files of a classic pair, as they are, run by keepalived and nginx on both nodes, and by evenkeel on both; the
 * same is done to either, and what the client saw of it is a table in Markdown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepLabs } from '../src/lab/janitor.ts';
import { FIRST, measure, type Measured, windowMs } from '../src/lab/measure.ts';
import { monotonicMs } from '../src/lab/clock.ts';
import { BALANCERS, type Balancer, Pair, VIRTUAL_ADDRESS } from '../src/lab/pair.ts';
import { killAtOnce, processesIn } from '../src/lab/processes.ts';
import { LabError } from '../src/lab/system.ts';
import { ClassicBalancer } from '../test/classic-balancer.ts';

const SECOND: Balancer = 'lb02';
/** `advert_int 1` of the files. */
const ADVERTS_MS = 1000;
/** Of the classic script: every five seconds, and two until it stops keepalived. */
const SCRIPT_MS = 7000;
/** What the client asks is no load: a program that has just started would be measured, and the machine. */
const REQUEST_MS = 10;
/** Until a program is there, on a busy machine. */
const START_MS = 10_000;
/** keepalived waits for adverts at its start, nginx for nothing. */
const READY_MS_MAX = 60_000;

const CONTENDERS = ['keepalived + nginx', 'evenkeel'] as const;
type Contender = (typeof CONTENDERS)[number];
const VARIANTS = ['', '-nopreempt'] as const;
type Variant = (typeof VARIANTS)[number];

interface Event {
  readonly title: string;
  /** How long it is looked at. */
  readonly lookMs: number;
  /** Before the client begins. */
  prepare?(scene: Scene): Promise<void>;
  happen(scene: Scene): Promise<void>;
}

const cutLink = (scene: Scene): Promise<void> => scene.pair.network.cutLink(FIRST);
/** Its power is cut: nobody answers, and what it held in memory is gone when it is back. */
const loseNode = async (scene: Scene): Promise<void> => {
  await cutLink(scene);
  scene.machines[FIRST].killAll();
};
const bringBack = async (scene: Scene): Promise<void> => {
  await scene.pair.network.heal();
  await scene.start(FIRST);
};

const AFTER_ADVERTS_MS = windowMs(ADVERTS_MS);

const EVENTS: readonly Event[] = [
  { title: 'proxies killed for good', lookMs: SCRIPT_MS + AFTER_ADVERTS_MS, happen: (scene) => scene.killProxies() },
  { title: 'node loses its power', lookMs: AFTER_ADVERTS_MS, happen: loseNode },
  {
    title: 'all its programs killed',
    lookMs: AFTER_ADVERTS_MS,
    happen: async (scene) => scene.machines[FIRST].killAll(),
  },
  { title: 'its link cut', lookMs: AFTER_ADVERTS_MS, happen: cutLink },
  {
    title: 'its link joined again',
    lookMs: AFTER_ADVERTS_MS,
    prepare: async (scene) => {
      await cutLink(scene);
      await scene.heldBySecond();
    },
    happen: (scene) => scene.pair.network.joinLink(FIRST),
  },
  {
    title: 'node comes back',
    lookMs: START_MS + AFTER_ADVERTS_MS,
    prepare: async (scene) => {
      await loseNode(scene);
      await scene.heldBySecond();
      await scene.pair.network.ip(FIRST, ['address', 'flush', 'to', VIRTUAL_ADDRESS]);
    },
    happen: bringBack,
  },
  {
    title: 'nodes cut from each other',
    lookMs: AFTER_ADVERTS_MS,
    happen: (scene) =>
      scene.pair.network.cut([
        { from: FIRST, to: SECOND, what: 'vrrp' },
        { from: SECOND, to: FIRST, what: 'vrrp' },
      ]),
  },
  {
    title: 'web server killed',
    lookMs: AFTER_ADVERTS_MS,
    happen: async (scene) => {
      killAtOnce(processesIn(scene.pair.network.namespace('web1')));
    },
  },
  { title: 'web server cut off', lookMs: AFTER_ADVERTS_MS, happen: (scene) => scene.pair.network.isolate('web1') },
];

/** A pair that runs. */
class Scene {
  readonly pair: Pair;
  readonly machines: Readonly<Record<Balancer, ClassicBalancer>>;
  private readonly contender: Contender;
  private readonly program: readonly string[];
  private killing: NodeJS.Timeout | undefined;

  /** Resolves when the first node has the address, and the second one is a backup. */
  static async build(contender: Contender, variant: Variant, program: readonly string[]): Promise<Scene> {
    const pair = await Pair.create(program);
    try {
      const [lb01, lb02] = [
        await ClassicBalancer.boot(pair, FIRST, variant),
        await ClassicBalancer.boot(pair, SECOND, variant),
      ];
      const scene = new Scene(pair, { lb01, lb02 }, contender, program);
      await scene.start(FIRST);
      await scene.heldBy(FIRST);
      await scene.start(SECOND);
      // it has heard of the first one by then
      await sleep(AFTER_ADVERTS_MS);
      await scene.heldBy(FIRST);
      return scene;
    } catch (error) {
      await pair.remove();
      throw error;
    }
  }

  private constructor(pair: Pair, machines: Scene['machines'], contender: Contender, program: readonly string[]) {
    this.pair = pair;
    this.machines = machines;
    this.contender = contender;
    this.program = program;
  }

  async start(host: Balancer): Promise<void> {
    const machine = this.machines[host];
    if (this.contender === 'evenkeel') {
      machine.startEvenkeel(this.program, '/etc/nginx/nginx.conf');
      return;
    }
    await machine.startNginx();
    machine.startKeepalived();
  }

  /** Also those that somebody starts in their place. */
  async killProxies(): Promise<void> {
    const kill = (): void => this.machines[FIRST].killProxies();
    kill();
    this.killing = setInterval(kill, 20);
    return Promise.resolve();
  }

  async heldBySecond(): Promise<void> {
    const { watch } = this.pair;
    await this.until(() => watch.holders().includes(SECOND));
  }

  private async heldBy(host: Balancer): Promise<void> {
    const { watch } = this.pair;
    await this.until(() => watch.holders().join() === host);
  }

  async remove(): Promise<void> {
    clearInterval(this.killing);
    await this.pair.remove();
  }

  private async until(isSo: () => boolean): Promise<void> {
    for (const deadlineMs = monotonicMs() + READY_MS_MAX; !isSo(); await sleep(20)) {
      if (monotonicMs() < deadlineMs) continue;
      throw new LabError(
        `waited in vain; they said:\n${BALANCERS.map((host) => this.pair.lastWords(host)).join('\n')}`,
      );
    }
  }
}

/** `only`: events with this text. */
export async function showClassic(program: readonly string[], only: string): Promise<void> {
  await sweepLabs();
  console.log(
    '| files | event | | longest outage | requests failed | two hold the address for | moves | has it at the end |',
  );
  console.log('|---|---|---|---:|---:|---:|---:|---|');
  for (const variant of VARIANTS) {
    for (const event of EVENTS.filter(({ title }) => title.includes(only))) {
      for (const contender of CONTENDERS) console.log(await rowOf(event, contender, variant, program));
    }
  }
}

async function rowOf(
  event: Event,
  contender: Contender,
  variant: Variant,
  program: readonly string[],
): Promise<string> {
  const scene = await Scene.build(contender, variant, program);
  try {
    await event.prepare?.(scene);
    const measured = await measure(scene.pair, ADVERTS_MS, () => event.happen(scene), event.lookMs, REQUEST_MS);
    const holders = [...scene.pair.watch.holders()].sort().join(', ');
    const files = variant === '' ? 'preempt' : 'nopreempt';
    return `| ${[files, event.title, contender, ...cellsOf(measured), holders].join(' | ')} |`;
  } finally {
    await scene.remove();
  }
}

function cellsOf({ longestMs, failed, requests, twoHoldersMs, isSplit, moves }: Measured): readonly string[] {
  const two = `${Math.round(twoHoldersMs)} ms${isSplit ? ', and no end' : ''}`;
  return [`${Math.round(longestMs)} ms`, `${failed} of ${requests}`, two, `${moves}`];
}

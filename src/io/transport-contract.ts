/**
 * The shared test suite of `port/transport.ts` and `port/datagram.ts`: every engine that implements it must pass every case. It knows nothing of
 * engines; a test file per engine calls it. Each case runs on a transport of its own.
 */
import { after, describe, test } from 'node:test';
import type { Transport } from '../port/transport.ts';
import { ARENA_LARGE_SLOTS, ARENA_SMALL_SLOTS, type Case } from './contract/case.ts';
import { CLOSE_CASES } from './contract/cases-close.ts';
import { CONNECT_CASES } from './contract/cases-connect.ts';
import { DATA_CASES } from './contract/cases-data.ts';
import { DATAGRAM_CASES } from './contract/cases-datagram.ts';
import { LIMIT_CASES } from './contract/cases-limits.ts';
import { LISTEN_CASES } from './contract/cases-listen.ts';
import { LoopbackWorld } from './contract/loopback.ts';
import { PASS_CASES } from './contract/cases-pass.ts';
import { type Coat, type EngineTraits, Stage } from './contract/stage.ts';
import type { World } from './contract/world.ts';

/** The arena that a case wants. */
export interface ArenaShape {
  readonly largeSlots: number;
  readonly smallSlots: number;
}

export interface TransportContractOptions extends EngineTraits {
  /** Why the engine cannot run here at all. */
  readonly skip?: string | undefined;
  /** Where the peers live, if not on this host's loopback. */
  readonly createWorld?: () => World;
}

/** A layer that gives sockets of its own, over those of an engine. */
export interface LayerContractOptions extends EngineTraits {
  readonly skip?: string | undefined;
  readonly createTransport: (shape: ArenaShape) => Transport;
  /** Peers that speak what the layer does. */
  readonly createWorld: () => World;
  readonly coat: (transport: Transport) => Coat;
  /** Cases by their names that its peers cannot play. */
  readonly without: readonly string[];
}

const CASES: readonly Case[] = [
  ...CONNECT_CASES,
  ...DATA_CASES,
  ...CLOSE_CASES,
  ...PASS_CASES,
  ...LISTEN_CASES,
  ...LIMIT_CASES,
  ...DATAGRAM_CASES,
];

/** Of a layer's sockets the same is true as of the port's: what comes and leaves, and how they end. */
export function layerContract(
  name: string,
  { coat, createTransport, createWorld, skip, without, ...traits }: LayerContractOptions,
): void {
  const cases = [...DATA_CASES, ...CLOSE_CASES].filter((one) => !without.includes(one.name));
  runCases(name, cases, createTransport, { skip, createWorld, ...traits }, coat);
}

export function transportContract(
  name: string,
  createTransport: (shape: ArenaShape, world: World) => Transport,
  options: TransportContractOptions = {},
): void {
  runCases(name, CASES, createTransport, options, () => null);
}

function runCases(
  name: string,
  cases: readonly Case[],
  createTransport: (shape: ArenaShape, world: World) => Transport,
  options: TransportContractOptions,
  coat: (transport: Transport) => Coat | null,
): void {
  const skip =
    options.skip ?? (options.createWorld === undefined && process.platform !== 'linux' ? 'Linux only' : false);
  void describe(`transport contract: ${name}`, { skip }, () => {
    let shared: World | null = null;
    const world = (): World => (shared ??= options.createWorld?.() ?? new LoopbackWorld());
    after(() => shared?.close());

    for (const one of cases) {
      void test(one.name, async (context) => {
        if (one.kind !== undefined && !world().supports(one.kind)) {
          context.skip(`no ${one.kind} here`);
          return;
        }
        const shape = { largeSlots: one.largeSlots ?? ARENA_LARGE_SLOTS, smallSlots: ARENA_SMALL_SLOTS };
        const transport = createTransport(shape, world());
        const stage = new Stage(transport, world(), one.script, options, coat(transport));
        await transport.run(stage);
        stage.handleRunOver();
        world().reset();
        if (stage.failure !== null) throw stage.failure;
        if (stage.skipped !== null) context.skip(stage.skipped);
      });
    }
  });
}

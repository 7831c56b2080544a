/**
 * What one seed means: a plan, the peers and what they will do, and which faults there are. Plain data, drawn before the
 * run, so that it can be printed, and thinned out to find what a failure needs.
 *
 * Swarm testing: most fault classes are off in most runs. A run with everything broken proves little, because every answer
 * is excused; a run with one class of fault is judged strictly on all else, and a run with none must be perfect.
 */
import { Prng } from '../src/base/prng.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { HARMFUL_FAULTS, HARMLESS_FAULTS, type Fault } from './faults.ts';
import { drawHttpClients, type HttpClientSpec } from './scenario-http.ts';
import { drawHostileClients, type HostileClientSpec } from './scenario-hostile.ts';
import { drawTcpClients, type TcpClientSpec } from './scenario-tcp.ts';
import { drawKeeper, type KeeperSpec } from './scenario-keeper.ts';
import { drawPlan, type ServerSpec } from './scenario-plan.ts';
import type { LinkSpec } from './network.ts';
import type { TransportSpec } from './transport.ts';

export interface LinkProfile {
  readonly delayUsMax: number;
  readonly jitterUsMax: number;
  readonly isTiny: boolean;
  readonly isSmall: boolean;
  readonly stallOneIn: number;
  readonly stallUsMax: number;
}

export interface Scenario {
  readonly seed: number;
  readonly faults: ReadonlySet<Fault>;
  readonly plan: Plan;
  readonly servers: readonly ServerSpec[];
  readonly transport: TransportSpec;
  readonly largeSlots: number;
  readonly smallSlots: number;
  readonly link: LinkProfile;
  readonly httpClients: readonly HttpClientSpec[];
  readonly hostileClients: readonly HostileClientSpec[];
  readonly tcpClients: readonly TcpClientSpec[];
  readonly keeper: KeeperSpec;
  /** 0: when all clients are done. */
  readonly drainAtUs: number;
  /** When the plan is applied again, with everything in another order. */
  readonly reloadsAtUs: readonly number[];
}

/** What is left out of a seed's scenario while looking for the cause of a failure. */
export interface Omissions {
  readonly faults: readonly string[];
  readonly clients: readonly number[];
}

export const NO_OMISSIONS: Omissions = { faults: [], clients: [] };

/** Every part has its own dice: leaving one out does not change the others. */
export function drawScenario(seed: number, omitted: Omissions = NO_OMISSIONS): Scenario {
  const faults = drawFaults(new Prng(seed), omitted);
  const { plan, servers } = drawPlan(new Prng(seed ^ 0x1001), faults);
  const http = drawHttpClients(new Prng(seed ^ 0x2002), plan, faults);
  const hostile = drawHostileClients(new Prng(seed ^ 0x3003), plan, faults);
  const tcp = drawTcpClients(new Prng(seed ^ 0x4004), plan, faults);
  const keeper = drawKeeper(new Prng(seed ^ 0x5005), plan, servers, faults);
  const prng = new Prng(seed ^ 0x6006);
  const isPresent = (client: { readonly id: number }): boolean => !omitted.clients.includes(client.id);
  const hasFewSlots = faults.has('fewSlots');
  return {
    seed,
    faults,
    plan,
    servers,
    transport: drawTransport(new Prng(seed ^ 0x7007), faults),
    largeSlots: hasFewSlots ? 3 + prng.below(14) : faults.has('shortages') ? 32 : 160,
    smallSlots: hasFewSlots ? 2 + prng.below(20) : faults.has('shortages') ? 48 : 256,
    link: {
      delayUsMax: faults.has('slow') ? 20_000 : 400,
      jitterUsMax: faults.has('slow') ? 5_000 : 100,
      isTiny: faults.has('tiny'),
      isSmall: faults.has('smallBuffers'),
      stallOneIn: faults.has('stalls') ? 10 + prng.below(200) : 0,
      stallUsMax: 4_000_000,
    },
    httpClients: http.filter(isPresent),
    hostileClients: hostile.filter(isPresent),
    tcpClients: tcp.filter(isPresent),
    keeper,
    drainAtUs: faults.has('drain') ? 1 + prng.below(2_500_000) : 0,
    reloadsAtUs: drawReloads(new Prng(seed ^ 0x9009), faults),
  };
}

function drawReloads(prng: Prng, faults: ReadonlySet<Fault>): number[] {
  if (!faults.has('reloads')) return [];
  return Array.from({ length: 1 + prng.below(20) }, () => 1 + prng.below(3_000_000));
}

function drawFaults(prng: Prng, omitted: Omissions): Set<Fault> {
  const faults = new Set<Fault>();
  for (const fault of HARMLESS_FAULTS) if (prng.oneIn(4) && !omitted.faults.includes(fault)) faults.add(fault);
  // none in every fifth run, one in two fifths, several in the rest
  const kind = prng.below(5);
  const single = HARMFUL_FAULTS[prng.below(HARMFUL_FAULTS.length)];
  for (const fault of HARMFUL_FAULTS) {
    const isDrawn = kind === 0 ? false : kind <= 2 ? fault === single : prng.oneIn(4);
    if (isDrawn && !omitted.faults.includes(fault)) faults.add(fault);
  }
  return faults;
}

function drawTransport(prng: Prng, faults: ReadonlySet<Fault>): TransportSpec {
  // a clock may start anywhere, also just before it passes 31 or 32 bits
  const bases = [0, 1, 123_456_789, 2 ** 31 - 1500, 2 ** 32 - 1500, 2 ** 33 + 17];
  return {
    clockBaseMs: bases[prng.below(bases.length)],
    wakeUs: prng.oneIn(3) ? 3000 : 50,
    lateOneIn: faults.has('lateTurns') ? 20 + prng.below(200) : 0,
    lateMs: 200 + prng.below(4000),
    isShortWriting: faults.has('shortWrites'),
    isOddOffset: faults.has('oddOffsets'),
    isOneByOne: faults.has('oneByOne'),
    seesResetWhilePaused: prng.oneIn(2),
    connectFailOneIn: faults.has('connectFails') ? 1 + prng.below(6) : 0,
    acceptFailOneIn: faults.has('acceptFails') ? 2 + prng.below(4) : 0,
    socketsMax: faults.has('acceptFails') && prng.oneIn(2) ? 2 + prng.below(12) : 100_000,
    shortageOneIn: faults.has('shortages') ? 10 + prng.below(100) : 0,
    timeoutOneIn: faults.has('lostPeers') ? 10 + prng.below(200) : 0,
    backlog: faults.has('acceptFails') ? 2 + prng.below(8) : 128,
  };
}

/** One connection's share of the profile. */
export function drawLink(prng: Prng, profile: LinkProfile): LinkSpec {
  const isTiny = profile.isTiny && prng.oneIn(2);
  // a window of a few bytes over a long way would take for ever
  const least = profile.delayUsMax > 1000 || profile.stallOneIn > 0 ? 400 : 16;
  return {
    delayUs: isTiny ? prng.below(60) : prng.below(profile.delayUsMax),
    jitterUs: isTiny ? 20 : prng.below(profile.jitterUsMax),
    tinyBytes: isTiny ? prng.below(1200) : 0,
    tinySlice: prng.oneIn(3) ? 1 : 1 + prng.below(12),
    stallOneIn: isTiny ? profile.stallOneIn * 50 : profile.stallOneIn,
    stallUs: prng.below(profile.stallUsMax),
    bufferBytes: profile.isSmall ? least + prng.below(prng.oneIn(3) ? 100 : 4000) : 16_384 + prng.below(65_536),
  };
}

/**
 * Two hosts that share a virtual router: evenkeel on one, the real keepalived on the other, what is on the wire between them
 * and who holds the addresses.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { adverts, Capture, type Frame, senderOf, timeMs } from './capture.ts';
import { Holders } from './holders.ts';
import { Keepalived } from './keepalived.ts';
import { type Host, planOf, Segment, type VirtualNode } from './virtual-node.ts';

/** Longer than a backup waits before it takes over. */
export const PATIENT_ADVERTS = 5;
/**
 * A backup waits for three intervals of silence and its skew. What took less was not for silence: bounds are no closer than
 * that, because a busy machine lets what surrounds the two wait.
 */
export const SILENCE_ADVERTS = 3;

const OURS = 5;
const THEIRS = 6;
const VIRTUAL_4 = [{ address: '192.168.15.3', prefixLength: 24 }];
/** keepalived wants a link-local one first, as RFC 9568 section 5.2.9 does. */
const VIRTUAL_6 = [
  { address: 'fe80::15:3', prefixLength: 64 },
  { address: 'fd00:15::3', prefixLength: 64 },
];

/** A way for two routers to speak. */
export interface Speech {
  readonly name: string;
  readonly router: Partial<VirtualRouterPlan>;
  readonly isUnicast: boolean;
}

export const V3: Partial<VirtualRouterPlan> = { version: 3, intervalUs: 500_000 };
export const V2: Partial<VirtualRouterPlan> = { version: 2, intervalUs: 1_000_000 };
export const IPV6: Partial<VirtualRouterPlan> = { ...V3, family: 6, addresses: VIRTUAL_6 };

/** Two hosts, and what a router on each is to be told. */
export class Encounter {
  readonly ours: Host;
  readonly theirs: Host;
  readonly speech: Speech;
  readonly capture: Capture;
  readonly holders: Holders;

  static async create(t: TestContext, speech: Speech): Promise<Encounter> {
    const segment = new Segment(t);
    const hosts = [segment.host(OURS), segment.host(THEIRS)] as const;
    const { address } = (speech.router.addresses ?? VIRTUAL_4).at(-1)!;
    const [capture, holders] = await Promise.all([Capture.start(t, segment), Holders.watch(address, hosts)]);
    return new Encounter(hosts, speech, capture, holders);
  }

  private constructor([ours, theirs]: readonly [Host, Host], speech: Speech, capture: Capture, holders: Holders) {
    this.ours = ours;
    this.theirs = theirs;
    this.speech = speech;
    this.capture = capture;
    this.holders = holders;
    for (const [host, number] of [
      [this.ours, OURS],
      [this.theirs, THEIRS],
    ] as const) {
      host.ip('address', 'add', `fd00:15::${number}/64`, 'dev', 'eth0', 'nodad');
    }
  }

  async startOurs(changes: Partial<VirtualRouterPlan>): Promise<VirtualNode> {
    return this.ours.start(planOf(this.router(OURS, THEIRS, changes)));
  }

  /** `addition`: see there. */
  startTheirs(changes: Partial<VirtualRouterPlan>, addition = ''): Keepalived {
    return new Keepalived(this.theirs, this.router(THEIRS, OURS, changes), addition);
  }

  get addresses(): readonly string[] {
    return (this.speech.router.addresses ?? VIRTUAL_4).map(({ address }) => address);
  }

  /** All of the addresses are there. */
  isWhole(host: Host): boolean {
    return this.addresses.every((address) => host.has(address));
  }

  /** What our adverts come from. */
  get source(): string {
    if (this.speech.isUnicast || this.isV4) return this.address(OURS);
    const links = JSON.parse(this.ours.ip('-json', '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'link')) as {
      addr_info: { local?: string }[];
    }[];
    // What the filter left out is an empty object.
    const own = links[0].addr_info.find(({ local }) => local !== undefined && !this.addresses.includes(local));
    assert.ok(own?.local !== undefined);
    return own.local;
  }

  get destination(): string {
    if (this.speech.isUnicast) return this.address(THEIRS);
    return this.isV4 ? '224.0.0.18' : 'ff02::12';
  }

  get isV4(): boolean {
    return this.speech.router.family !== 6;
  }

  private address(number: number): string {
    return this.isV4 ? `192.168.15.${number}` : `fd00:15::${number}`;
  }

  private router(own: number, peer: number, changes: Partial<VirtualRouterPlan>): Partial<VirtualRouterPlan> {
    const { router, isUnicast } = this.speech;
    const unicast = {
      source: this.address(own),
      unicast: { peers: [this.address(peer)], ttlMin: 255 },
    };
    return { ...router, ...(isUnicast ? unicast : {}), ...changes };
  }
}

export function macOf(host: Host): string {
  return host.run('cat', '/sys/class/net/eth0/address').trim();
}

/** What RFC 9568 sections 5 and 7.2, or RFC 3768's, say of an advert. */
export function assertGenuine(frame: Frame, { speech, addresses, isV4, destination, ours, theirs }: Encounter): void {
  const { version, intervalUs, hasVirtualMac, password } = routerPlan(speech.router);
  const virtualMac = isV4 ? '00:00:5e:00:01:32' : '00:00:5e:00:02:32';
  const groupMac = isV4 ? '01:00:5e:00:00:12' : '33:33:00:00:00:12';
  const expected: Partial<Frame> = {
    'eth.src': hasVirtualMac ? virtualMac : macOf(ours),
    'eth.dst': speech.isUnicast ? macOf(theirs) : groupMac,
    'vrrp.version': String(version),
    'vrrp.type': '1',
    'vrrp.virt_rtr_id': '50',
    'vrrp.addr_count': String(addresses.length),
    'vrrp.checksum.status': '1',
    '_ws.malformed': '',
    ...(isV4
      ? { 'ip.dst': destination, 'ip.ttl': '255', 'ip.dsfield': '0xc0', 'ip.checksum.status': '1' }
      : { 'ipv6.dst': destination, 'ipv6.hlim': '255' }),
    [isV4 ? 'vrrp.ip_addr' : 'vrrp.ipv6_addr']: addresses.join(','),
    ...(version === 2
      ? { 'vrrp.adver_int': String(intervalUs / 1_000_000), 'vrrp.auth_type': password === null ? '0' : '1' }
      : { 'vrrp.short_adver_int': String(intervalUs / 10_000) }),
    ...(password === null ? {} : { 'vrrp.auth_string': password }),
  };
  for (const [field, value] of Object.entries(expected)) {
    assert.equal(frame[field as keyof Frame], value, `${field} of ${JSON.stringify(frame)}`);
  }
}

/** Adverts of theirs too have to be good in tshark's eyes: else it checks nothing. */
export async function assertWire(encounter: Encounter, source: string): Promise<Frame[]> {
  const all = adverts(await encounter.capture.frames());
  const ours = all.filter((frame) => senderOf(frame) === source);
  assert.ok(
    ours.length >= 3 && ours.length < all.length,
    `${ours.length} of ${all.length} adverts are ours: ${source} of ${[...new Set(all.map(senderOf))].join(' ')}`,
  );
  for (const frame of ours) assertGenuine(frame, encounter);
  for (const frame of all) assert.equal(frame['vrrp.checksum.status'], '1');
  assert.equal(new Set(all.map(senderOf)).size, 2);
  return all;
}

/** The longest time without an advert between two of these. */
export function longestGapMs(all: readonly Frame[]): number {
  assert.ok(all.length >= 2, `${all.length} adverts`);
  return Math.max(...all.slice(1).map((frame, index) => timeMs(frame) - timeMs(all[index])));
}

/** From the first release of one sender to the next advert of the other. */
export function successionMs(all: readonly Frame[], from: string): number {
  const released = all.findIndex((frame) => senderOf(frame) === from && frame['vrrp.prio'] === '0');
  assert.ok(released >= 0, 'there was no release');
  const taken = all.slice(released).find((frame) => senderOf(frame) !== from);
  assert.ok(taken !== undefined);
  return timeMs(taken) - timeMs(all[released]);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIP, parseIPv4, parseIPv6 } from '../base/address.ts';
import { formatHex } from '../base/bytes.ts';
import { AdvertSender } from '../core/vrrp/sender.ts';
import type {
  Attachment,
  AttachmentHandler,
  AttachRequest,
  InterfaceHandler,
  Narrowing,
  Routing,
  SegmentHost,
  WantedRouting,
} from '../port/segment.ts';
import { parseArpFrame } from '../wire/arp.ts';
import { parseNeighborFrame } from '../wire/ndp.ts';
import { AdvertView, VRRP_GROUP_4, VRRP_PROTOCOL } from '../wire/vrrp/advert.ts';
import { TrailerKey } from '../wire/vrrp/trailer.ts';
import { VipBoard } from './board.ts';
import type { Predecessor } from './legacy.ts';
import { VipOwner } from './owner.ts';
import type { VirtualRouterPlan } from './plan.ts';
import { releaseRouters } from './release.ts';
import type { RestraintChange, RoleChange } from './status.ts';
import { routerPlan } from './testing/router-plan.ts';

const S = 1_000_000;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const FOREIGN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);

const PLAN = routerPlan({ virtualRouterId: 51, addresses: [{ address: '192.0.2.100', prefixLength: 24 }] });

function ip(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  assert.ok(bytes);
  return bytes;
}

const OWN = ip('192.0.2.11');

interface Sent {
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
}

/** A segment on which nothing happens by itself; it writes down what is wanted of it. */
class FakeAttachment implements Attachment {
  readonly mac = MAC;
  isForwarding = false;
  request: AttachRequest;
  readonly handler: AttachmentHandler;
  readonly adverts: Sent[] = [];
  readonly frames: Uint8Array[] = [];
  lifetimeS = 0;
  hasLeftovers = false;
  /** Null: has not begun. */
  keepsAddresses: boolean | null = null;
  isConcealed = false;
  relaysTo: string | null = null;
  narrowing: Narrowing | null = null;
  canNarrow = true;
  isClosed = false;
  /** Why no advert leaves. */
  sendProblem: string | null = null;

  constructor(request: AttachRequest, handler: AttachmentHandler) {
    this.request = request;
    this.handler = handler;
  }

  begin(keepsAddresses: boolean): void {
    this.keepsAddresses = keepsAddresses;
  }
  sendAdvert(_source: Uint8Array, destination: Uint8Array, payload: Uint8Array): string | null {
    if (this.sendProblem === null) this.adverts.push({ destination, payload: payload.slice() });
    return this.sendProblem;
  }
  sendFrame(frame: Uint8Array): void {
    this.frames.push(frame.slice());
  }
  conceal(): void {
    this.lifetimeS = 0;
    this.isConcealed = true;
  }
  relay(peer: Uint8Array): void {
    this.relaysTo = formatIP(peer);
  }
  endRelay(): void {
    this.relaysTo = null;
  }
  narrow(narrowing: Narrowing | null): boolean {
    this.narrowing = this.canNarrow ? narrowing : null;
    return this.narrowing === narrowing;
  }
  hold(lifetimeS: number): void {
    this.lifetimeS = lifetimeS;
  }
  drop(): void {
    this.lifetimeS = 0;
    this.isConcealed = false;
  }
  apply(request: AttachRequest): void {
    this.request = request;
  }
  close(): void {
    this.isClosed = true;
  }
}

class FakeRouting implements Routing {
  wanted: WantedRouting;
  isThere = false;
  isClosed = false;

  constructor(wanted: WantedRouting) {
    this.wanted = wanted;
  }
  get problems(): readonly null[] {
    return [...this.wanted.routes, ...this.wanted.rules].map(() => null);
  }
  begin(keepsThem: boolean): void {
    this.isThere = keepsThem;
  }
  hold(): void {
    this.isThere = true;
  }
  drop(): void {
    this.isThere = false;
  }
  apply(wanted: WantedRouting): void {
    this.wanted = wanted;
  }
  close(): void {
    this.isClosed = true;
  }
}

class Stage implements SegmentHost {
  nowUs = 1000 * S;
  unixUs = 1_700_000_000 * S;
  readonly attachments: FakeAttachment[] = [];
  readonly routings: FakeRouting[] = [];
  readonly watched = new Map<string, InterfaceHandler>();
  readonly changes: RoleChange[] = [];
  readonly evidence: string[] = [];
  readonly restraints: string[] = [];
  readonly asked: string[] = [];
  readonly ended: string[] = [];
  readonly owner: VipOwner;

  constructor(plans: Partial<VirtualRouterPlan>[], predecessor: Predecessor = new Map()) {
    const routers = plans.map((plan) => ({ ...PLAN, ...plan }));
    const listener = {
      handleChange: (change: RoleChange) => this.changes.push(change),
      handleEvidence: (_: string, { kind }: { readonly kind: string }) => this.evidence.push(kind),
      handleRestraint: ({ restraint, end }: RestraintChange) => this.restraints.push(restraint?.reason ?? `${end}`),
      handleAskServing: (router: string) => this.asked.push(router),
      handleEndConnections: (router: string) => this.ended.push(router),
    };
    this.owner = new VipOwner({ routers }, this, listener);
    for (const { handler, request } of this.attachments) {
      handler.handleSource(request.family === 4 ? OWN : ip('fe80::11'));
    }
    this.owner.start(predecessor);
  }

  get first(): FakeAttachment {
    return this.attachments[0];
  }

  watchInterface(name: string, handle: InterfaceHandler): () => void {
    this.watched.set(name, handle);
    return () => this.watched.delete(name);
  }

  attach(request: AttachRequest, handler: AttachmentHandler): Attachment {
    const attachment = new FakeAttachment(request, handler);
    this.attachments.push(attachment);
    return attachment;
  }

  attachRouting(wanted: WantedRouting): Routing {
    const routing = new FakeRouting(wanted);
    this.routings.push(routing);
    return routing;
  }

  pass(us: number): void {
    const endUs = this.nowUs + us;
    while (this.owner.deadlineUs <= endUs) {
      this.nowUs = Math.max(this.nowUs, this.owner.deadlineUs);
      this.owner.tick();
    }
    this.nowUs = endUs;
  }

  /** Goes by these plans from now on; what is attached anew has an address of its own. */
  apply(plans: Partial<VirtualRouterPlan>[]): void {
    const known = this.attachments.length;
    this.owner.apply({ routers: plans.map((plan) => ({ ...PLAN, ...plan })) });
    for (const { handler } of this.attachments.slice(known)) handler.handleSource(OWN);
  }

  states(): string[] {
    return this.owner.status().map(({ state }) => state);
  }

  /** An advert of a peer of that router. */
  hear(
    index: number,
    priority: number,
    changes: {
      ttl?: number;
      checksum?: 'message' | 'pseudo-header';
      isUnicast?: boolean;
      key?: TrailerKey;
      source?: Uint8Array;
    } = {},
  ): void {
    const sender = new AdvertSender({
      family: 4,
      version: 3,
      virtualRouterId: 51,
      intervalUs: S,
      addresses: [ip('192.0.2.100')],
      unicast: changes.isUnicast === true ? { peers: [OWN], ttlMin: 255 } : null,
      checksum: changes.checksum ?? 'pseudo-header',
      password: null,
      keys: changes.key === undefined ? null : [changes.key],
    });
    const source = changes.source ?? ip('192.0.2.12');
    const bytes = sender.payload(priority, 0, source, this.unixUs);
    this.attachments[index].handler.handlePacket({
      bytes,
      start: 0,
      end: bytes.length,
      source,
      destination: sender.destinations[0],
      protocol: VRRP_PROTOCOL,
      ttl: changes.ttl ?? 255,
    });
  }
}

test('A plan becomes adverts: version, id, priority, interval and addresses, to the group', () => {
  const stage = new Stage([{ priority: 150 }]);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
  const [{ destination, payload }] = stage.first.adverts;
  assert.deepEqual(destination, VRRP_GROUP_4);
  const view = new AdvertView();
  assert.equal(view.wrap(payload, 0, payload.length, 4), null);
  assert.equal(view.checksumForm(ip('192.0.2.11'), destination), 'pseudo-header');
  assert.deepEqual(view.toAdvert(), {
    version: 3,
    virtualRouterId: 51,
    priority: 150,
    intervalCs: 100,
    addresses: [ip('192.0.2.100')],
    auth: null,
  });
  assert.equal(stage.first.lifetimeS, 2);
});

test('With unicast peers every one of them gets every advert', () => {
  const stage = new Stage([{ unicast: { peers: ['192.0.2.12', '192.0.2.13'], ttlMin: 255 } }]);
  stage.pass(4 * S);
  const destinations = stage.first.adverts.slice(0, 2).map(({ destination }) => destination);
  assert.deepEqual(destinations, [ip('192.0.2.12'), ip('192.0.2.13')]);
});

test('The form of the checksum that a peer sends is sent back', () => {
  const stage = new Stage([{}]);
  stage.hear(0, 50, { checksum: 'message' });
  stage.pass(4 * S);
  const [{ destination, payload }] = stage.first.adverts;
  const view = new AdvertView();
  assert.equal(view.wrap(payload, 0, payload.length, 4), null);
  assert.equal(view.checksumForm(ip('192.0.2.11'), destination), 'message');
});

test('IPv4 addresses are announced by ARP, as a request and as a reply, from the MAC that they are on', () => {
  for (const hasVirtualMac of [false, true]) {
    const stage = new Stage([{ hasVirtualMac }]);
    stage.pass(3.7 * S);
    const packets = stage.first.frames.slice(0, 2).map((frame) => parseArpFrame(frame));
    for (const [i, packet] of packets.entries()) {
      assert.ok(packet !== null && typeof packet !== 'string');
      assert.equal(packet.operation, i + 1);
      assert.deepEqual(packet.senderIp, ip('192.0.2.100'));
      assert.equal(formatHex(packet.senderMac), hasVirtualMac ? '00005e000133' : formatHex(MAC));
    }
  }
});

test('IPv6 addresses are announced by a neighbour advertisement, with the router flag of a machine that forwards', () => {
  const stage = new Stage([
    { family: 6, addresses: [{ address: 'fe80::100', prefixLength: 64 }], hasVirtualMac: true },
  ]);
  stage.first.isForwarding = true;
  stage.pass(3.7 * S);
  assert.deepEqual(parseNeighborFrame(stage.first.frames[0]), {
    kind: 'advertisement',
    target: ip('fe80::100'),
    isRouter: true,
    isSolicited: false,
    isOverride: true,
    targetMac: Uint8Array.of(0, 0, 0x5e, 0, 2, 51),
  });
});

test("A probe comes from the interface's own MAC and claims nothing", () => {
  const stage = new Stage([{ hasVirtualMac: true, guard: { ...PLAN.guard, probesAddresses: true } }]);
  stage.pass(3.5 * S);
  const packet = parseArpFrame(stage.first.frames[0]);
  assert.ok(packet !== null && typeof packet !== 'string');
  assert.deepEqual([packet.senderMac, packet.senderIp], [MAC, new Uint8Array(4)]);
  assert.deepEqual(packet.targetIp, ip('192.0.2.100'));
});

test('Who answers a probe keeps this router from taking over; its own MAC does not', () => {
  const plan = { guard: { ...PLAN.guard, probesAddresses: true } };
  const stage = new Stage([plan]);
  stage.pass(3.5 * S);
  stage.first.handler.handleNeighbor(ip('192.0.2.100'), MAC);
  stage.first.handler.handleNeighbor(ip('192.0.2.99'), FOREIGN_MAC);
  assert.deepEqual(stage.evidence, []);
  stage.first.handler.handleNeighbor(ip('192.0.2.100'), FOREIGN_MAC);
  assert.deepEqual(stage.evidence, ['held-by-stranger']);
  stage.pass(0.5 * S);
  assert.deepEqual(stage.states(), ['claiming']);
});

test('The virtual MAC is foreign to a backup, and its own to the active router', () => {
  const virtual = Uint8Array.of(0, 0, 0x5e, 0, 1, 51);
  const stage = new Stage([{ hasVirtualMac: true, guard: { ...PLAN.guard, probesAddresses: true } }]);
  stage.pass(3.5 * S);
  stage.first.handler.handleNeighbor(ip('192.0.2.100'), virtual);
  assert.deepEqual(stage.evidence, ['held-by-stranger']);
  stage.pass(3 * S);
  assert.deepEqual(stage.states(), ['active']);
  stage.first.handler.handleNeighbor(ip('192.0.2.100'), virtual);
  assert.deepEqual(stage.evidence, ['held-by-stranger']);
});

test('The gateway guard asks from the first moment on, opens with an answer, and releases without', () => {
  const stage = new Stage([{ guard: { ...PLAN.guard, gateway: '192.0.2.1' } }]);
  stage.pass(1);
  const packet = parseArpFrame(stage.first.frames[0]);
  assert.ok(packet !== null && typeof packet !== 'string');
  assert.deepEqual([packet.senderIp, packet.targetIp], [ip('192.0.2.11'), ip('192.0.2.1')]);
  stage.pass(5 * S);
  assert.deepEqual(stage.states(), ['claiming']);
  for (let i = 0; i < 10; i++) {
    stage.first.handler.handleNeighbor(ip('192.0.2.1'), FOREIGN_MAC);
    stage.pass(S / 2);
  }
  assert.deepEqual(stage.states(), ['active']);
  stage.pass(2 * S);
  assert.notDeepEqual(stage.states(), ['active']);
  assert.equal(stage.changes.at(-1)?.cause, 'guard-lost');
  assert.equal(stage.first.lifetimeS, 0);
});

test('A flood of what a filter can tell is left to the kernel but for a sample, until it is over', () => {
  const stage = new Stage([{}]);
  const refused = (): number => stage.owner.status()[0].adverts.refused['ttl'];
  const hear = (count: number): void => {
    for (let i = 0; i < count; i++) stage.hear(0, 255, { ttl: 64 });
    stage.pass(0);
  };
  hear(300);
  assert.deepEqual(stage.first.narrowing, { senders: null });
  assert.deepEqual(stage.evidence, ['refused-ttl', 'flood']);
  // What the socket had queued before.
  hear(100);
  assert.equal(refused(), 400);
  stage.pass(S / 10);
  hear(10);
  assert.equal(refused(), 400 + 10 * 256);
  stage.hear(0, 255, { checksum: 'message' });
  assert.equal(stage.owner.status()[0].adverts.accepted, 1);
  stage.pass(20 * S);
  assert.equal(stage.first.narrowing, null);
  hear(1);
  assert.equal(refused(), 400 + 10 * 256 + 1);
  assert.equal(stage.owner.status()[0].observed['refused-ttl'].total, refused());
});

test('Of a flood of forgeries those of strangers are left to the kernel but for a sample, and peers are heard whole', () => {
  const key = new TrailerKey(1, new Uint8Array(32).fill(7));
  const stage = new Stage([{ keys: [{ id: 1, secret: '07'.repeat(32) }] }]);
  const forged = { key: new TrailerKey(1, new Uint8Array(32)), source: ip('192.0.2.66') };
  const refused = (): number => stage.owner.status()[0].adverts.refused['code'];
  const hear = (count: number): void => {
    for (let i = 0; i < count; i++) stage.hear(0, 255, forged);
    stage.pass(0);
  };
  // Who is active might not have been heard yet.
  hear(1000);
  assert.equal(stage.first.narrowing, null);
  stage.hear(0, 200, { key });
  hear(300);
  assert.deepEqual(stage.first.narrowing, { senders: [ip('192.0.2.12')] });
  assert.deepEqual(stage.evidence, ['refused-code', 'flood']);
  hear(100);
  assert.equal(refused(), 1400);
  stage.pass(S / 10);
  hear(10);
  assert.equal(refused(), 1400 + 10 * 32);

  const newcomer = ip('192.0.2.13');
  stage.unixUs += S;
  stage.hear(0, 200, { key, source: newcomer });
  assert.deepEqual(stage.first.narrowing, { senders: [ip('192.0.2.12'), newcomer] });
  // The code of a known one is computed, whoever has sent it.
  stage.hear(0, 255, { ...forged, source: newcomer });
  assert.equal(refused(), 1400 + 10 * 32);
  assert.equal(stage.owner.status()[0].adverts.refused['replay'], 1);
  stage.unixUs += S;
  stage.hear(0, 255, { ...forged, source: newcomer });
  assert.equal(refused(), 1400 + 10 * 32 + 1);
  stage.pass(20 * S);
  assert.equal(stage.first.narrowing, null);
});

test('A router that has listened for long and heard nobody leaves forgeries to the kernel too', () => {
  const stage = new Stage([{ keys: [{ id: 1, secret: '07'.repeat(32) }] }]);
  stage.pass(10 * S);
  for (let i = 0; i < 300; i++) stage.hear(0, 255, { key: new TrailerKey(1, new Uint8Array(32)) });
  stage.pass(0);
  assert.deepEqual(stage.first.narrowing, { senders: [] });
});

test('Where the kernel takes no narrow filter, every packet of a flood is counted', () => {
  const stage = new Stage([{}]);
  stage.first.canNarrow = false;
  for (let second = 0; second < 3; second++) {
    for (let i = 0; i < 300; i++) stage.hear(0, 255, { ttl: 64 });
    stage.pass(S);
  }
  assert.equal(stage.owner.status()[0].adverts.refused['ttl'], 900);
  assert.ok(!stage.evidence.includes('flood'));
});

test('What is refused is counted, told, and changes nothing', () => {
  const stage = new Stage([{}]);
  for (let i = 0; i < 3; i++) stage.hear(0, 255, { ttl: 64 });
  stage.pass(0);
  assert.deepEqual(stage.evidence, ['refused-ttl']);
  stage.pass(4 * S);
  const [status] = stage.owner.status();
  assert.equal(status.adverts.refused['ttl'], 3);
  assert.equal(status.state, 'active');
  assert.deepEqual(status.peers, []);
});

test('The status tells the role and since when, the peers and when they were heard, and the addresses', () => {
  const stage = new Stage([{}]);
  stage.pass(S);
  stage.hear(0, 200);
  stage.pass(S / 2);
  const [status] = stage.owner.status();
  assert.equal(status.state, 'backup');
  assert.equal(status.nowUs - status.sinceUs, 1.5 * S);
  assert.deepEqual(status.addresses, ['192.0.2.100/24']);
  assert.equal(status.source, '192.0.2.11');
  assert.equal(status.lastAdvertUs, null);
  assert.equal(status.peers.length, 1);
  assert.equal(status.peers[0].address, '192.0.2.12');
  assert.equal(status.nowUs - status.peers[0].lastHeardUs, S / 2);
});

test('A graceful stop is done when a peer has taken over; then the segment can be left', () => {
  const stage = new Stage([{}]);
  stage.pass(4 * S);
  stage.owner.stop(true);
  assert.equal(stage.owner.hasStopped, false);
  assert.equal(stage.first.lifetimeS, 2);
  stage.hear(0, 50);
  // Out of sight, but connections are being finished.
  assert.equal(stage.first.lifetimeS, 0);
  assert.ok(stage.first.isConcealed);
  assert.equal(stage.owner.hasStopped, false);
  stage.pass(S);
  assert.ok(stage.owner.hasStopped);
  assert.ok(!stage.first.isConcealed);
  stage.owner.close();
  assert.ok(stage.first.isClosed);
});

test('Connections are passed on to a predecessor on the same segment, and not through a router', () => {
  const peers = ['192.0.2.12'];
  for (const [unicast, to] of [
    [null, '192.0.2.12'],
    [{ peers, ttlMin: 255 }, '192.0.2.12'],
    [{ peers, ttlMin: 250 }, null],
  ] as const) {
    const stage = new Stage([{ unicast }]);
    const isUnicast = unicast !== null;
    stage.hear(0, 150, { isUnicast });
    stage.hear(0, 0, { isUnicast });
    stage.pass(0.65 * S);
    assert.deepEqual(stage.states(), ['active']);
    assert.equal(stage.first.relaysTo, to);
    stage.pass(S);
    assert.equal(stage.first.relaysTo, null);
  }
});

test('Routers of a group hand over together, and one that is in none by itself', () => {
  const stage = new Stage([{ group: 'g' }, { name: 'VI_2', group: 'g' }, { name: 'VI_3' }]);
  stage.pass(4 * S);
  assert.ok(stage.owner.handOver('VI_2', Number.POSITIVE_INFINITY));
  assert.deepEqual(stage.states(), ['leaving', 'leaving', 'active']);
  assert.equal(stage.owner.handOver('VI_9', 0), false);
});

test('After a predecessor that was active a moment ago, the addresses are kept and all of its group goes on', () => {
  const lastUs = 1000 * S - S / 2;
  const predecessor = new Map([
    ['VI_1', { lastAdvertUs: lastUs, restraint: null }],
    ['VI_2', { lastAdvertUs: lastUs, restraint: null }],
  ]);
  const stage = new Stage([{ group: 'g' }, { name: 'VI_2', group: 'g' }], predecessor);
  assert.deepEqual(stage.states(), ['active', 'active']);
  assert.ok(stage.attachments.every(({ keepsAddresses }) => keepsAddresses));
  assert.ok(stage.changes.every(({ cause }) => cause === 'adopt'));
});

test('Verdicts on tracked things and witnesses reach the router; unknown routers are no matter', () => {
  const stage = new Stage([
    { tracked: [{ name: 'proxy', weight: 0, interfaceName: null }], guard: { ...PLAN.guard, hasWitnesses: true } },
  ]);
  assert.deepEqual(stage.states(), ['fault']);
  stage.owner.handleTracked('VI_9', 0, true);
  stage.owner.handleWitnesses('VI_9', true);
  stage.owner.handleTracked('VI_1', 0, true);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['claiming']);
  stage.owner.handleWitnesses('VI_1', true);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
});

test('A tracked interface is followed by the owner itself, which tells what it saw', () => {
  const stage = new Stage([{ tracked: [{ name: 'interface eth1', weight: 0, interfaceName: 'eth1' }] }]);
  assert.deepEqual(stage.states(), ['fault']);
  stage.watched.get('eth1')!(true, 'up');
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
  stage.watched.get('eth1')!(false, 'no carrier');
  assert.deepEqual(stage.states(), ['fault']);
  const [tracked] = stage.owner.status()[0].tracked;
  assert.deepEqual(tracked.seen, { detail: 'no carrier', atUs: stage.nowUs });
});

test('In place of an owner that is dead, every router is released twice, and its addresses and routes are removed', () => {
  const attachments: FakeAttachment[] = [];
  const routings: FakeRouting[] = [];
  const host: SegmentHost = {
    nowUs: 0,
    unixUs: 0,
    attach(request, handler) {
      const attachment = new FakeAttachment(request, handler);
      attachment.lifetimeS = 2;
      attachments.push(attachment);
      return attachment;
    },
    attachRouting(wanted) {
      const routing = new FakeRouting(wanted);
      routing.isThere = true;
      routings.push(routing);
      return routing;
    },
    watchInterface: () => assert.fail('nothing is tracked any more'),
  };
  const routers = [PLAN, { ...PLAN, name: 'VI_2', virtualRouterId: 52 }];
  releaseRouters(routers, host, () => attachments.forEach(({ handler }) => handler.handleSource(OWN)));
  assert.equal(attachments.length, 2);
  for (const { adverts, lifetimeS } of attachments) {
    assert.deepEqual(
      adverts.map(({ payload }) => payload[2]),
      [0, 0],
    );
    assert.equal(lifetimeS, 0);
  }
  assert.deepEqual(
    routings.map(({ isThere }) => isThere),
    [false, false],
  );
});

test('Routes and rules are there while the addresses are; in a hand-over until connections have ended', () => {
  const stage = new Stage([{ priority: 150 }]);
  const [routing] = stage.routings;
  assert.ok(!routing.isThere);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
  assert.ok(routing.isThere);

  stage.owner.stop(true);
  stage.hear(0, 100);
  assert.ok(stage.first.isConcealed && routing.isThere);
  stage.pass(S);
  assert.ok(stage.owner.hasStopped && !routing.isThere);
  stage.owner.close();
  assert.ok(routing.isClosed);
});

test('Whoever goes on in the place of a dead owner finds the routes there', () => {
  const legacy = { lastAdvertUs: 1000 * S - 100_000, restraint: null };
  const stage = new Stage([{ priority: 150 }], new Map([[PLAN.name, legacy]]));
  assert.deepEqual(stage.states(), ['active']);
  assert.ok(stage.routings[0].isThere);
});

test('Addresses elsewhere and of the other family have places of their own, which adverts are not sent from', () => {
  const stage = new Stage([
    {
      addresses: [
        { address: '192.0.2.100', prefixLength: 24 },
        { address: '198.51.100.1', prefixLength: 24, interfaceName: 'eth1' },
      ],
      excluded: [
        { address: '192.0.2.101', prefixLength: 24 },
        { address: '2001:db8::1', prefixLength: 64 },
      ],
    },
  ]);
  const places = stage.attachments.map(({ request }) => [
    request.interfaceName,
    request.family,
    request.adverts !== null,
    request.addresses.map(({ address }) => formatIP(address)),
  ]);
  assert.deepEqual(places, [
    ['eth0', 4, true, ['192.0.2.100', '192.0.2.101']],
    ['eth0', 6, false, ['2001:db8::1']],
    ['eth1', 4, false, ['198.51.100.1']],
  ]);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
  assert.ok(stage.attachments.every(({ lifetimeS, frames }) => lifetimeS > 0 && frames.length > 0));
  const [own, ...others] = stage.attachments;
  const view = new AdvertView();
  const [{ payload }] = own.adverts;
  assert.equal(view.wrap(payload, 0, payload.length, 4), null);
  assert.deepEqual(view.toAdvert().addresses.map(formatIP), ['192.0.2.100', '198.51.100.1']);
  assert.ok(others.every(({ adverts }) => adverts.length === 0));
  // The loss of an address where none is sent from is not the router's.
  others[0].handler.handleSource({ reason: 'none', isLinkUp: false });
  assert.deepEqual(stage.states(), ['active']);
  // Who answers for any of them has it too.
  others[1].handler.handleNeighbor(ip('198.51.100.1'), Uint8Array.of(2, 0, 0, 0, 0, 9));
  stage.pass(0.2 * S);
  assert.deepEqual(stage.evidence, ['address-conflict']);
  stage.owner.stop(false);
  assert.ok(stage.attachments.every(({ lifetimeS }) => lifetimeS === 0));
  stage.owner.close();
  assert.ok(stage.attachments.every(({ isClosed }) => isClosed));
});

test('The own address lost for less than a second is no loss; for longer, the release comes from it', () => {
  const stage = new Stage([{}]);
  stage.pass(4 * S);
  const { handler } = stage.first;
  handler.handleSource({ reason: 'eth0 has no address', isLinkUp: true });
  stage.pass(0.9 * S);
  handler.handleSource(ip('192.0.2.13'));
  stage.pass(2 * S);
  assert.deepEqual(stage.states(), ['active']);
  handler.handleSource({ reason: 'eth0 has no address', isLinkUp: true });
  stage.pass(0.9 * S);
  assert.deepEqual(stage.states(), ['active']);
  stage.pass(0.2 * S);
  assert.deepEqual(stage.states(), ['fault']);
  assert.equal(stage.owner.status()[0].fault, 'eth0 has no address');
  assert.deepEqual(
    stage.first.adverts.slice(-2).map(({ payload }) => payload[2]),
    [0, 0],
  );
});

test('Adverts that the machine does not send are not counted as sent, and it is named', () => {
  const stage = new Stage([{}]);
  stage.pass(4 * S);
  const { sent } = stage.owner.status()[0].adverts;
  stage.first.sendProblem = 'EPERM';
  stage.pass(2 * S);
  assert.deepEqual(stage.evidence, ['unsent']);
  assert.deepEqual(stage.owner.status()[0].adverts.sent, sent);
  assert.equal(stage.owner.status()[0].adverts.unsent, 2);
  // One of lower priority that can be heard is left to be the only one, once peers have been waiting for too long.
  stage.hear(0, 50);
  assert.deepEqual(stage.states(), ['active']);
  stage.pass(2 * S);
  stage.hear(0, 50);
  assert.deepEqual(stage.states(), ['backup']);
  assert.match(stage.changes.at(-1)!.detail, /EPERM/);
  for (let i = 0; i < 10; i++) {
    stage.pass(S);
    stage.hear(0, 50);
  }
  assert.deepEqual(stage.states(), ['backup']);
  stage.first.sendProblem = null;
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
});

// --- another plan ---

test('Another plan: a router that both have goes on, and its place is told what is new there', () => {
  const stage = new Stage([{ priority: 150 }]);
  stage.pass(4 * S);
  const { length } = stage.changes;
  const addresses = [...PLAN.addresses, { address: '192.0.2.101', prefixLength: 24 }];
  stage.apply([{ priority: 151, addresses }]);
  assert.equal(stage.attachments.length, 1);
  assert.equal(stage.first.request.addresses.length, 2);
  const { payload } = stage.first.adverts.at(-1)!;
  const view = new AdvertView();
  assert.equal(view.wrap(payload, 0, payload.length, 4), null);
  assert.deepEqual([view.priority, view.addressCount], [151, 2]);
  stage.pass(10 * S);
  assert.equal(stage.changes.length, length);
});

test('What is not in the plan any more leaves as in a stop; what is new begins when it has left', () => {
  const stage = new Stage([{}]);
  stage.pass(4 * S);
  const board = new VipBoard(new ArrayBuffer(VipBoard.bytes));
  stage.owner.leaveTraces(board);
  assert.notEqual(board.lastAdvertUs(0), null);
  stage.apply([{ name: 'VI_2', slot: 1, virtualRouterId: 52 }]);
  assert.deepEqual(
    stage.changes.slice(-1).map(({ router, to }) => [router, to]),
    [['VI_1', 'leaving']],
  );
  assert.deepEqual(stage.states(), ['initialize'], 'it waits');
  stage.pass(10 * S);
  assert.deepEqual(stage.states(), ['active']);
  assert.ok(stage.first.isClosed);
  stage.owner.leaveTraces(board);
  assert.equal(board.lastAdvertUs(0), null, 'its place on the board is free');
  assert.notEqual(board.lastAdvertUs(1), null);
  assert.ok(!stage.owner.hasStopped);
  stage.owner.stop(false);
  assert.ok(stage.owner.hasStopped);
});

test('A tracked interface keeps its verdict over a change, and one that is followed no more is let go of', () => {
  const eth1 = { name: 'interface eth1', weight: 10, interfaceName: 'eth1' };
  const stage = new Stage([{ tracked: [eth1] }]);
  stage.watched.get('eth1')!(true, 'up');
  stage.apply([{ tracked: [{ ...eth1, name: 'proxy', interfaceName: null }, eth1] }]);
  assert.equal(stage.owner.status()[0].priority, 110);
  stage.watched.get('eth1')!(false, 'down');
  assert.equal(stage.owner.status()[0].priority, 100);
  stage.apply([{}]);
  assert.equal(stage.watched.size, 0);
});

test('A router that joins a group does not make the others give up what they have', () => {
  const grouped = { group: 'both' } as const;
  const second = { ...grouped, name: 'VI_2', slot: 1, virtualRouterId: 52 };
  const stage = new Stage([grouped]);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active']);
  const { length } = stage.changes;
  stage.apply([grouped, second]);
  stage.pass(4 * S);
  assert.deepEqual(stage.states(), ['active', 'active']);
  assert.deepEqual(
    stage.changes.slice(length).map(({ router, to }) => `${router} ${to}`),
    ['VI_2 backup', 'VI_2 claiming', 'VI_2 active'],
  );
  // Somebody else is active in its place: then none of them is.
  const other = new Stage([grouped]);
  other.pass(4 * S);
  other.apply([grouped, second]);
  other.pass(S);
  other.owner.handOver('VI_1', Number.POSITIVE_INFINITY);
  assert.deepEqual(other.states(), ['leaving', 'backup']);
});

test('One that stands by takes another plan without a word, and goes on by it', () => {
  const host = new Stage([]);
  const owner = new VipOwner({ routers: [PLAN] }, host, {
    handleChange: (change: RoleChange) => host.changes.push(change),
    handleEvidence: () => assert.fail('it says nothing'),
    handleRestraint: () => assert.fail('it says nothing'),
    handleAskServing: () => assert.fail('it says nothing'),
    handleEndConnections: () => assert.fail('it says nothing'),
  });
  host.first.handler.handleSource(OWN);
  const next = { ...PLAN, priority: 200 };
  owner.apply({ routers: [next, { ...PLAN, name: 'VI_2', slot: 1, virtualRouterId: 52 }] });
  owner.tick();
  assert.deepEqual([host.changes, host.first.adverts], [[], []]);
  host.attachments[1].handler.handleSource(OWN);
  owner.start(new Map([['VI_1', { lastAdvertUs: host.nowUs, restraint: null }]]));
  assert.deepEqual(
    owner.status().map(({ name, state, priority }) => [name, state, priority]),
    [
      ['VI_1', 'active', 200],
      ['VI_2', 'backup', 100],
    ],
  );
});

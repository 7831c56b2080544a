/**
 * Two nodes with a link, over a network that refuses, loses without a word, delays, splits and cuts, and that goes away for one side alone; nodes are killed and come
 * again. What they say to each other over it is their users' affair.
 */
import assert from 'node:assert/strict';
import { Prng } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/text.ts';
import { CONNECT_MS_MAX, type LinkAction, PeerLink, SILENCE_MS_MAX } from '../../src/core/peers/link.ts';
import { frameOf, MessageReader, parseMessage, type PeerMessage } from '../../src/core/peers/messages.ts';

export const FAULTS_MS = 60_000;
export const DELAY_MS_MAX = 200;
/** The longest wait for the next try, its time, and what both say. */
export const CALM_MS = SILENCE_MS_MAX + CONNECT_MS_MAX + 6_000 + CONNECT_MS_MAX + 10 * DELAY_MS_MAX;
/** A connection between two nodes says so little. */
const EVENTS_MAX = 10_000;

type Weather = 'well' | 'refuses' | 'loses';

/** Whoever uses the link of a node. */
export interface LinkUser {
  handleUp(): void;
  handleDown(): void;
  handleMessage(message: PeerMessage): void;
}

const NOBODY: LinkUser = { handleUp: () => undefined, handleDown: () => undefined, handleMessage: () => undefined };

interface Event {
  readonly atMs: number;
  readonly happen: () => void;
}

/** One end of a connection. What it is sent comes in order, in pieces. */
class End {
  readonly node: SimNode;
  readonly reader = new MessageReader();
  other: End | null = null;
  isOpen = true;
  /** What was sent last arrives then. */
  arrivesMs = 0;

  constructor(node: SimNode) {
    this.node = node;
  }
}

export class SimNode {
  readonly name: string;
  link: PeerLink;
  /** It does not know anything any more when the node was killed: `createUser` is asked for another one. */
  user = NOBODY;
  end: End | null = null;
  /** That it knows of, since when. */
  isUp = false;
  private readonly sim: Sim;
  private readonly names: readonly [node: string, peer: string];
  private timerMs = -1;

  constructor(sim: Sim, names: readonly [node: string, peer: string]) {
    this.sim = sim;
    this.names = names;
    [this.name] = names;
    this.link = this.createLink();
  }

  private createLink(): PeerLink {
    const [node, peer] = this.names;
    return new PeerLink({ node, peer, version: '1', fraction: this.sim.prng.below(1000) / 1000 }, this.sim.nowMs);
  }

  /** It was killed, and is there again; its peer hears of it, or does not. */
  restart(): void {
    const { end } = this;
    this.end = null;
    this.isUp = false;
    this.link = this.createLink();
    this.user = this.sim.createUser(this);
    if (end !== null) this.sim.closeEnd(end, 'reset');
    this.wait();
  }

  perform(actions: readonly LinkAction[]): void {
    for (const action of actions) {
      if (action.kind === 'dial') this.sim.dial(this);
      else if (action.kind === 'send') this.say(action.message);
      else if (action.kind === 'close') this.leave();
      else if (action.kind === 'message') this.user.handleMessage(action.message);
      else if (action.kind === 'up') {
        this.isUp = true;
        this.user.handleUp();
      }
    }
    if (this.isUp && this.link.state !== 'up') {
      this.isUp = false;
      this.user.handleDown();
    }
    assert.equal(this.isUp, this.link.state === 'up');
    this.wait();
  }

  /** For its user: lost if the link does not stand. */
  tell(message: PeerMessage): void {
    if (this.link.state === 'up') this.say(message);
  }

  private say(message: PeerMessage): void {
    if (this.end !== null) this.sim.send(this.end, frameOf(encodeUtf8(JSON.stringify(message))));
  }

  private leave(): void {
    const { end } = this;
    this.end = null;
    if (end !== null) this.sim.closeEnd(end, 'it has closed the connection');
  }

  /** As the keeper does it: one connection at a time, and the newer one counts. */
  handleConnection(end: End): void {
    if (this.end !== null) {
      this.leave();
      this.link.handleClosed('it has come anew', this.sim.nowMs);
    }
    this.end = end;
    this.perform(this.link.handleConnected(this.sim.nowMs));
  }

  handleBytes(end: End, bytes: Uint8Array): void {
    const messages = end.reader.push(bytes);
    assert.notEqual(messages, null, 'a frame was broken');
    for (const message of messages ?? []) {
      if (end !== this.end) return;
      const parsed = parseMessage(new TextDecoder().decode(message));
      if (parsed !== null) this.perform(this.link.handleMessage(parsed, this.sim.nowMs));
    }
  }

  handleClosed(end: End | null, reason: string): void {
    if (end !== this.end) return;
    this.end = null;
    this.link.handleClosed(reason, this.sim.nowMs);
    this.perform([]);
  }

  wait(): void {
    const { nextMs } = this.link;
    if (nextMs === Number.POSITIVE_INFINITY || nextMs === this.timerMs) return;
    this.timerMs = nextMs;
    this.sim.at(Math.max(nextMs, this.sim.nowMs + 1), () => {
      this.timerMs = -1;
      this.perform(this.link.handleTime(this.sim.nowMs));
    });
  }
}

export class Sim {
  readonly prng: Prng;
  nowMs = 0;
  weather: Weather = 'well';
  readonly nodes: readonly [SimNode, SimNode];
  readonly createUser: (node: SimNode) => LinkUser;
  private readonly events: Event[] = [];
  private happened = 0;

  constructor(seed: number, createUser: (node: SimNode) => LinkUser = () => NOBODY) {
    this.prng = new Prng(seed);
    this.createUser = createUser;
    this.nodes = [new SimNode(this, ['lb01', 'lb02']), new SimNode(this, ['lb02', 'lb01'])];
    for (const node of this.nodes) {
      node.user = createUser(node);
      node.wait();
    }
  }

  at(atMs: number, happen: () => void): void {
    const index = this.events.findIndex((event) => event.atMs > atMs);
    this.events.splice(index < 0 ? this.events.length : index, 0, { atMs, happen });
  }

  run(untilMs: number): void {
    while (this.events.length > 0 && this.events[0].atMs <= untilMs) {
      const event = this.events.shift() as Event;
      this.nowMs = event.atMs;
      event.happen();
      assert.ok(++this.happened < EVENTS_MAX, 'they never come to rest');
    }
    this.nowMs = untilMs;
  }

  private get delayMs(): number {
    return 1 + this.prng.below(DELAY_MS_MAX);
  }

  dial(from: SimNode): void {
    const [first, second] = this.nodes;
    assert.equal(from, first, 'the one whose name comes first connects');
    const { link, end } = from;
    this.at(this.nowMs + this.delayMs, () => {
      // it may have been killed, or have given up
      if (from.link !== link || from.end !== end || link.state !== 'connecting' || this.weather === 'loses') return;
      if (this.weather === 'refuses') {
        from.handleClosed(from.end, 'ECONNREFUSED');
        return;
      }
      const [here, there] = [new End(from), new End(second)];
      here.other = there;
      there.other = here;
      second.handleConnection(there);
      from.handleConnection(here);
    });
  }

  send(end: End, bytes: Uint8Array): void {
    const { other } = end;
    if (this.weather === 'loses' || other === null) return;
    for (let at = 0; at < bytes.length;) {
      const size = 1 + this.prng.below(bytes.length - at);
      const piece = bytes.slice(at, at + size);
      at += size;
      end.arrivesMs = Math.max(end.arrivesMs, this.nowMs + this.delayMs);
      this.at(end.arrivesMs, () => {
        if (other.isOpen) other.node.handleBytes(other, piece);
      });
    }
  }

  /** The other side hears of it, unless the network is away. */
  closeEnd(end: End, reason: string): void {
    end.isOpen = false;
    const { other } = end;
    if (other === null || this.weather === 'loses') return;
    this.at(Math.max(end.arrivesMs, this.nowMs) + this.delayMs, () => {
      if (!other.isOpen) return;
      other.isOpen = false;
      other.node.handleClosed(other, reason);
    });
  }

  drawFaults(): void {
    // some follow so fast that they come between a connection and its first word
    const gapMs = (): number => 1 + this.prng.below(this.prng.oneIn(2) ? 2 * DELAY_MS_MAX : 15_000);
    for (let atMs = this.prng.below(1_000); atMs < FAULTS_MS; atMs += gapMs()) {
      const draw = this.prng.below(4);
      const node = this.nodes[this.prng.below(2)];
      this.at(atMs, () => {
        if (draw === 0) node.restart();
        else this.weather = (['well', 'refuses', 'loses'] as const)[draw - 1];
      });
    }
    this.at(FAULTS_MS, () => (this.weather = 'well'));
  }
}

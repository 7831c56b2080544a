/**
 * Seeds of two nodes with a link, over a network that refuses, loses without a word, delays, splits and cuts, and that goes away for one side alone; nodes
 * are killed and come again. Whenever the network has been well for a while both have each other, and neither believes in the other for long when it is gone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../src/base/prng.ts';
import { encodeUtf8 } from '../src/base/text.ts';
import { BEAT_MS, CONNECT_MS_MAX, type LinkAction, PeerLink, SILENCE_MS_MAX } from '../src/core/peers/link.ts';
import { frameOf, MessageReader, parseMessage, type PeerMessage } from '../src/core/peers/messages.ts';

const SEEDS = 1_000;
const FAULTS_MS = 60_000;
const DELAY_MS_MAX = 200;
/** The longest wait for the next try, its time, and what both say. */
const CALM_MS = SILENCE_MS_MAX + CONNECT_MS_MAX + 6_000 + CONNECT_MS_MAX + 10 * DELAY_MS_MAX;
/** A connection between two nodes says so little. */
const EVENTS_MAX = 10_000;

type Weather = 'well' | 'refuses' | 'loses';

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

class SimNode {
  link: PeerLink;
  end: End | null = null;
  /** That it knows of, since when. */
  isUp = false;
  private readonly sim: Sim;
  private readonly names: readonly [node: string, peer: string];
  private timerMs = -1;

  constructor(sim: Sim, names: readonly [node: string, peer: string]) {
    this.sim = sim;
    this.names = names;
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
    if (end !== null) this.sim.closeEnd(end, 'reset');
    this.wait();
  }

  perform(actions: readonly LinkAction[]): void {
    for (const action of actions) {
      if (action.kind === 'dial') this.sim.dial(this);
      else if (action.kind === 'send') this.say(action.message);
      else if (action.kind === 'close') this.leave();
      else if (action.kind === 'up') this.isUp = true;
    }
    if (this.link.state !== 'up') this.isUp = false;
    assert.equal(this.isUp, this.link.state === 'up');
    this.wait();
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

class Sim {
  readonly prng: Prng;
  nowMs = 0;
  weather: Weather = 'well';
  readonly nodes: readonly [SimNode, SimNode];
  private readonly events: Event[] = [];
  private happened = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.nodes = [new SimNode(this, ['lb01', 'lb02']), new SimNode(this, ['lb02', 'lb01'])];
    for (const node of this.nodes) node.wait();
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

/** How it went: when each node had what became of it. */
function play(seed: number): readonly number[] {
  const sim = new Sim(seed);
  sim.drawFaults();
  sim.run(FAULTS_MS + CALM_MS);
  const states = sim.nodes.map(({ link }) => `${link.state}: ${link.reason}`);
  assert.deepEqual(states, ['up: ', 'up: '], `seed ${seed}`);
  // neither hears anything from here on
  sim.weather = 'loses';
  const lostMs = sim.nowMs;
  sim.run(lostMs + SILENCE_MS_MAX + BEAT_MS + DELAY_MS_MAX);
  for (const { link } of sim.nodes) assert.notEqual(link.state, 'up', `seed ${seed}: ${link.state}`);
  return sim.nodes.map(({ link }) => link.sinceMs);
}

test('whatever the network does, two nodes find each other when it is well, and miss each other when it is not', () => {
  for (let seed = 1; seed <= SEEDS; seed++) play(seed);
});

test('a seed is the same run again', () => {
  assert.deepEqual(play(7), play(7));
});

/**
 * A hostile client: sends one smuggling attempt, or a valid request with some bytes changed, and takes whatever comes. That
 * nothing ambiguous went through is for the servers to see, and that nobody else suffers, for the other clients. Itself it
 * only demands that a smuggling attempt is refused and its connection ended.
 */
import { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import type { BreakReason, Network } from '../network.ts';
import type { HostileClientSpec } from '../scenario-hostile.ts';
import type { World } from '../world.ts';
import { HttpReader, MalformedError, type Head } from './http-reader.ts';
import { latin1 } from './http-writer.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './port.ts';
import { approach } from './proxy-header.ts';
import { SMUGGLING } from './smuggling.ts';

/** A mutated request may be a valid beginning: the client ends its side after this time. */
const PATIENCE_US = 1_500_000;

const VALID: readonly string[] = [
  'GET /hostile?a=b HTTP/1.1\r\nHost: any.test\r\nX-Other: value\r\n\r\n',
  'POST /hostile HTTP/1.1\r\nHost: any.test\r\nContent-Length: 11\r\n\r\nhello world',
  'POST /hostile HTTP/1.1\r\nHost: any.test\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-T: u\r\n\r\n',
  'GET http://any.test/hostile HTTP/1.1\r\nHost: any.test\r\nConnection: keep-alive, X-Other\r\nX-Other: 1\r\n\r\n',
  'GET /hostile HTTP/1.1\r\nHost: any.test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n',
];

const INTERESTING = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '-',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '"',
  '\r\n ',
];

export class HostileClient implements PortOwner {
  isDone = false;
  readonly spec: HostileClientSpec;
  private readonly world: World;
  private readonly port: PeerPort;
  private readonly reader: HttpReader;
  private readonly prng: Prng;
  private statuses: number[] = [];

  constructor(network: Network, plan: Plan, spec: HostileClientSpec) {
    this.world = network.world;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
    this.reader = new HttpReader('response', {
      handleHead: (head: Head) => {
        this.statuses.push(head.status);
        return 'as-framed';
      },
      handleBody: () => {},
      handleMessageEnd: () => {},
    });
    const { from, opening } = approach(plan, this.prng, spec.address, spec.listener);
    const endpoint = network.dial(from, spec.listener);
    this.port = new PeerPort(this.world, endpoint, this.prng, FULL_PACE, FULL_PACE, this, { opening });
  }

  describe(): string {
    return `hostile client ${this.spec.id} (attempt ${this.spec.attempt}): got [${this.statuses.join(', ')}]`;
  }

  handleConnected(): void {
    const { spec } = this;
    const bytes = spec.attempt >= 0 ? latin1(SMUGGLING[spec.attempt]) : this.mutated();
    this.world.note('hostile client %a sends %b', spec.id, JSON.stringify(Buffer.from(bytes).toString('latin1')));
    if (spec.attempt >= 0 && this.prng.oneIn(2)) {
      // the second half on its own, later
      const at = this.prng.below(bytes.length);
      this.port.write(bytes.subarray(0, at));
      this.world.schedule(this.prng.below(200_000), () => this.port.write(bytes.subarray(at)));
    } else this.port.write(bytes);
    this.world.schedule(PATIENCE_US, () => this.port.end());
  }

  private mutated(): Uint8Array {
    const { prng } = this;
    let text = VALID[prng.below(VALID.length)];
    for (let i = 0; i < this.spec.mutations; i++) {
      const at = prng.below(text.length + 1);
      const kind = prng.below(5);
      const piece = INTERESTING[prng.below(INTERESTING.length)];
      if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
      else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + prng.below(3));
      else if (kind === 2) text = text.slice(0, at) + piece + text.slice(at + 1);
      else if (kind === 3) text = text.slice(0, at) + text.slice(at - prng.below(Math.min(at, 40) + 1));
      else text = text.slice(0, at) + String.fromCharCode(prng.below(256)) + text.slice(at);
    }
    return latin1(prng.oneIn(2) ? text + VALID[prng.below(VALID.length)] : text);
  }

  handleFlushed(): void {}

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    try {
      this.reader.feed(bytes, at, length);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      // a mutated method may be HEAD, whose answer has a length and no body
      if (this.spec.attempt >= 0) this.world.fail('malformed response', `${this.describe()}: ${error.message}`);
      this.reader.stop();
      this.port.reset();
      this.isDone = true;
    }
  }

  handleEnd(): void {
    this.judge();
    this.port.close();
    this.isDone = true;
  }

  handleBroken(_reason: BreakReason): void {
    this.judge();
    this.isDone = true;
  }

  private judge(): void {
    if (this.spec.attempt < 0) return;
    this.world.note('hostile client %a got %b', this.spec.id, this.statuses.join());
    if (this.statuses.some((status) => status >= 200 && status < 400)) {
      this.world.fail(
        'smuggling',
        `${this.describe()}: ${JSON.stringify(SMUGGLING[this.spec.attempt])} was not refused`,
      );
    }
  }
}

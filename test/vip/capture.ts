/**
 * What is on a segment, as others read it: tcpdump on the switch, and tshark's dissectors. Nothing of evenkeel's own code
 * takes part, so that an error in a codec cannot hide itself.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Segment, signal } from './virtual-node.ts';

/** VRRP, the announcements that go with it, and who asks and answers for addresses. */
const FILTER = 'proto 112 or ip6 proto 112 or arp or icmp6';

/** tshark's names of what tests look at. */
const FIELDS = [
  'frame.time_epoch',
  'eth.src',
  'eth.dst',
  'ip.src',
  'ip.dst',
  'ip.ttl',
  'ip.dsfield',
  'ip.checksum.status',
  'ipv6.src',
  'ipv6.dst',
  'ipv6.hlim',
  'vrrp.version',
  'vrrp.type',
  'vrrp.virt_rtr_id',
  'vrrp.prio',
  'vrrp.addr_count',
  'vrrp.ip_addr',
  'vrrp.ipv6_addr',
  'vrrp.adver_int',
  'vrrp.short_adver_int',
  'vrrp.auth_type',
  'vrrp.auth_string',
  'vrrp.checksum.status',
  'arp.opcode',
  'arp.src.hw_mac',
  'arp.src.proto_ipv4',
  'arp.dst.proto_ipv4',
  'icmpv6.type',
  'icmpv6.nd.ns.target_address',
  'icmpv6.nd.na.target_address',
  'icmpv6.opt.linkaddr',
  '_ws.malformed',
] as const;
export type Field = (typeof FIELDS)[number];

/** A frame: every field as tshark prints it, empty if the frame has none; several values are separated by commas. */
export type Frame = Readonly<Record<Field, string>>;

/** What tcpdump says when it is sent SIGUSR1. */
const COUNTS = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped/;

/** So often, and so long after one another, its counts are the same when it has nothing more to read. */
const RESTS = 5;
const REST_MS = 50;

/** It takes a second and more to start, in which other tests of the file go on. */
const run = promisify(execFile);

let captures = 0;

export class Capture {
  private readonly file: string;
  private readonly tcpdump: ChildProcess;
  private readonly exit: Promise<unknown>;
  private said = '';

  /** Every frame that the switch forwards from now on is in it. */
  static async start(t: TestContext, segment: Segment): Promise<Capture> {
    const capture = new Capture(t, segment);
    const isListening = once(capture.tcpdump.stderr!, 'data');
    await Promise.race([isListening, capture.exit.then(() => assert.fail('tcpdump ended'))]);
    return capture;
  }

  private constructor(t: TestContext, segment: Segment) {
    this.file = join(segment.directory, `capture-${captures++}.pcap`);
    const options = ['-i', 'br0', '-n', '-U', '--immediate-mode', '-Z', 'root', '-w', this.file, FILTER];
    this.tcpdump = spawn('ip', ['netns', 'exec', segment.bridge, 'tcpdump', ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.exit = once(this.tcpdump, 'close');
    this.tcpdump.stderr!.on('data', (data: Buffer) => {
      this.said += data.toString();
    });
    t.after(async () => {
      signal(this.tcpdump.pid!, 'SIGKILL');
      await this.exit;
    });
  }

  /** Ends it; what it has seen. `preferences` are tshark's. */
  async frames(...preferences: readonly string[]): Promise<Frame[]> {
    await this.catchUp();
    this.tcpdump.kill('SIGINT');
    await this.exit;
    const options = ['ip.check_checksum:TRUE', ...preferences].flatMap((preference) => ['-o', preference]);
    const fields = FIELDS.flatMap((field) => ['-e', field]);
    const { stdout } = await run(
      'tshark',
      ['-n', '-r', this.file, ...options, '-T', 'fields', '-E', 'separator=/t', ...fields],
      { maxBuffer: Infinity },
    );
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const values = line.split('\t');
        return Object.fromEntries(FIELDS.map((field, index) => [field, values[index] ?? ''])) as Frame;
      });
  }

  /** Resolves when it has read all that the kernel has for it: what it has not when it ends is lost. */
  private async catchUp(): Promise<void> {
    // What came before its filter was there is counted as received, and never captured: then the counts come to rest apart.
    for (let last = '', rests = 0; rests < RESTS;) {
      const [counts, captured, received, dropped] = await this.counts();
      if (Number(captured) + Number(dropped) >= Number(received)) return;
      rests = counts === last ? rests + 1 : 0;
      last = counts;
      await sleep(REST_MS);
    }
  }

  private async counts(): Promise<RegExpExecArray> {
    this.said = '';
    this.tcpdump.kill('SIGUSR1');
    for (;;) {
      const counts = COUNTS.exec(this.said);
      if (counts !== null) return counts;
      const isGone = this.exit.then(() => assert.fail(`tcpdump ended: ${this.said}`));
      await Promise.race([once(this.tcpdump.stderr!, 'data'), isGone]);
    }
  }
}

/** When it was on the wire, in milliseconds since 1970. */
export function timeMs(frame: Frame): number {
  return Number(frame['frame.time_epoch']) * 1000;
}

/** The adverts among the frames, of one sender or of all. */
export function adverts(frames: readonly Frame[], source?: string): Frame[] {
  return frames.filter(
    (frame) =>
      frame['vrrp.version'] !== '' &&
      // An error that quotes an advert is none.
      frame['icmpv6.type'] === '' &&
      (source === undefined || senderOf(frame) === source),
  );
}

export function senderOf(frame: Frame): string {
  return frame['ip.src'] === '' ? frame['ipv6.src'] : frame['ip.src'];
}

/**
 * What the nodes of a pair know of each other (core/peers/pair-view.ts): tells the peers what this node goes by and how it stands, and keeps what they tell. It
 * only shows: nothing that serves goes by any of it.
 */
import type { PairNodeView } from '../../api/nodes.ts';
import type { ConfigurationIdentity } from '../../core/peers/configuration-identity.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import type { NodeSummary } from '../../core/peers/node-summary.ts';
import { type PairNotice, PairView } from '../../core/peers/pair-view.ts';
import type { Log } from '../log/log.ts';
import type { PeersKeeper } from './peers-keeper.ts';

export interface NodeSharingOptions {
  readonly peers: Pick<PeersKeeper, 'presences' | 'send'>;
  readonly version: string;
  /** What this node goes by. */
  readonly configuration: () => ConfigurationIdentity;
  readonly summary: () => NodeSummary;
  readonly log: Log;
}

/** Between two words, where nothing of note happens. */
const TELL_MS = 5_000;
const PARTS_SAID = 5;

interface Identified extends ConfigurationIdentity {
  /** On the clock of `performance.now()`. */
  readonly sinceMs: number;
}

export class NodeSharing {
  private readonly options: NodeSharingOptions;
  private readonly view = new PairView();
  private readonly timer: NodeJS.Timeout;
  private identified: Identified | null = null;

  constructor(options: NodeSharingOptions) {
    this.options = options;
    this.timer = setInterval(() => this.tell(), TELL_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** The configuration may be another one, and so may be the peers. */
  handleConfiguration(): void {
    this.view.retain(this.options.peers.presences().map(({ name }) => name));
    const before = this.identified?.digest;
    const identity = this.identity();
    for (const [peer, notices] of this.view.handleOwn(identity, performance.now())) this.say(peer, notices);
    if (before !== identity.digest) for (const name of this.linked()) this.tellConfiguration(name);
    this.tell();
  }

  handleUp(peer: string): void {
    this.tellConfiguration(peer);
    this.options.peers.send(peer, { type: 'node', summary: this.options.summary() });
  }

  handleMessage(peer: string, message: PeerMessage): void {
    const nowMs = performance.now();
    if (message.type === 'configuration') {
      const { digest, parts, ageMs } = message;
      this.say(peer, this.view.handleConfiguration(peer, { identity: { digest, parts }, ageMs }, nowMs));
    } else if (message.type === 'node') {
      this.say(peer, this.view.handleSummary(peer, message.summary, nowMs));
    }
  }

  /** To all that are there. */
  tell(): void {
    const linked = this.linked();
    if (linked.length === 0) return;
    const summary = this.options.summary();
    for (const name of linked) this.options.peers.send(name, { type: 'node', summary });
  }

  /** `name`: of this node. */
  ownView(name: string): PairNodeView {
    const { version, summary } = this.options;
    const { digest, sinceMs } = this.identity();
    return {
      name,
      isThis: true,
      isLinked: true,
      version,
      heardAgeMs: null,
      configuration: { digest, since: timeOf(performance.now() - sinceMs) },
      difference: null,
      summary: summary(),
    };
  }

  /** What a peer has said last. */
  viewOf({
    name,
    isUp,
    version,
  }: {
    readonly name: string;
    readonly isUp: boolean;
    readonly version: string | null;
  }): PairNodeView {
    const nowMs = performance.now();
    const { summary, heardMs, configuration, difference } = this.view.wordOf(name);
    return {
      name,
      isThis: false,
      isLinked: isUp,
      version,
      heardAgeMs: heardMs === null ? null : nowMs - heardMs,
      configuration:
        configuration === null ? null : { digest: configuration.digest, since: timeOf(nowMs - configuration.sinceMs) },
      difference: difference === null ? null : { since: timeOf(nowMs - difference.sinceMs), parts: difference.parts },
      summary,
    };
  }

  // --- inside ---

  private linked(): readonly string[] {
    return this.options.peers.presences().flatMap(({ name, isUp }) => (isUp ? [name] : []));
  }

  private identity(): Identified {
    const { digest, parts } = this.options.configuration();
    if (this.identified?.digest !== digest) this.identified = { digest, parts, sinceMs: performance.now() };
    return this.identified;
  }

  private tellConfiguration(peer: string): void {
    const { digest, parts, sinceMs } = this.identity();
    this.options.peers.send(peer, { type: 'configuration', digest, parts, ageMs: performance.now() - sinceMs });
  }

  private say(peer: string, notices: readonly PairNotice[]): void {
    const { log } = this.options;
    for (const notice of notices) {
      switch (notice.kind) {
        case 'differs': {
          const { parts, here, there } = notice;
          const more = parts.length > PARTS_SAID ? ` and ${parts.length - PARTS_SAID} more` : '';
          log.warn(
            `peer ${peer} goes by another configuration, ${there}, and this node by ${here}: they differ in ${parts.slice(0, PARTS_SAID).join(', ')}${more}`,
          );
          break;
        }
        case 'agrees':
          log.info(`peer ${peer} goes by the same configuration again, ${notice.digest}`);
          break;
        case 'override':
          log.info(
            `peer ${peer}: by hand there${notice.by === null ? '' : `, by ${notice.by}`}: ${notice.subject} ${notice.said}`,
          );
          break;
        case 'override-ended':
          log.info(`peer ${peer}: no more by hand there: ${notice.subject}`);
      }
    }
  }
}

function timeOf(ageMs: number): string {
  return new Date(Date.now() - ageMs).toISOString();
}

/**
 * What is the pair's and not one node's: session tickets, which all nodes take, and certificates: one of the nodes obtains them
 * (core/peers/obtainer.ts), and all have them. While an authority looks, all answer, for it may come to any of them.
 */
import { mayObtainAtMs } from '../../core/peers/obtainer.ts';
import { type SecretsByNode, TicketSecrets } from '../../core/peers/ticket-secrets.ts';
import type { PeerMessage, PeerProof } from '../../core/peers/messages.ts';
import type { AcmeKeeper } from '../acme/acme-keeper.ts';
import type { ProxyProof } from '../acme/challenges.ts';
import type { Log } from '../log/log.ts';
import type { PeersKeeper } from './peers-keeper.ts';

export interface SharingOptions {
  readonly peers: Pick<PeersKeeper, 'node' | 'presences' | 'send' | 'drained'>;
  readonly acme: Pick<AcmeKeeper, 'heldFiles' | 'takeOver' | 'reconsider'>;
  /** Has the proxies of this node answer by these. Rejects if they cannot. */
  readonly publish: (proofs: readonly ProxyProof[]) => Promise<void>;
  /** What this node makes session tickets with. */
  readonly ticketSecret: () => Uint8Array;
  /** What the keeper before this one has heard of peers that are still some. */
  readonly heard: SecretsByNode;
  /** From now on by these: the first one for new tickets. */
  readonly useTicketSecrets: (secrets: readonly Uint8Array[]) => void;
  readonly log: Log;
}

/** Whoever does not confirm in time is not waited for. */
const CONFIRM_MS_MAX = 5_000;

export class CertificateSharing {
  private readonly options: SharingOptions;
  private own: readonly ProxyProof[] = [];
  private readonly ofPeers = new Map<string, readonly PeerProof[]>();
  private readonly secrets: TicketSecrets;
  private number = 0;
  /** By peer: what has to be confirmed, and who waits for it. */
  private readonly waiting = new Map<string, { readonly number: number; readonly settle: () => void }>();

  constructor(options: SharingOptions) {
    this.options = options;
    this.secrets = new TicketSecrets(options.heard);
    if (Object.keys(options.heard).length > 0) this.useSecrets();
  }

  /** Unix time from which on this node may ask authorities; infinite: a peer does. */
  mayOrderAtMs(): number {
    const { node, presences } = this.located();
    return node === null ? 0 : mayObtainAtMs(node, presences) - performance.now() + Date.now();
  }

  /** The peer that asks in place of this node. Null: this node does. */
  get obtainer(): string | null {
    const { node, presences } = this.located();
    if (node === null || this.mayOrderAtMs() <= Date.now()) return null;
    const before = presences.filter(({ name }) => name < node).sort((a, b) => (a.name < b.name ? -1 : 1));
    return (before.find(({ isUp }) => isUp) ?? before[0])?.name ?? null;
  }

  /** For a successor. */
  get ticketSecrets(): SecretsByNode {
    return this.secrets.memory;
  }

  /** Resolves when this node answers by these, and each peer that is there. */
  async publish(proofs: readonly ProxyProof[]): Promise<void> {
    this.own = proofs;
    await this.options.publish(this.all());
    const number = ++this.number;
    const there = this.located().presences.filter(({ isUp }) => isUp);
    await Promise.all(there.map(({ name }) => this.tell(name, number)));
  }

  handleObtained(file: string): void {
    const held = this.options.acme.heldFiles().filter((one) => one.file === file);
    for (const { name, isUp } of this.located().presences) if (isUp) void this.sendAll(name, held);
  }

  handleChange(peer: string, isUp: boolean): void {
    if (isUp) {
      this.options.peers.send(peer, { type: 'ticket-secret', secret: this.ownSecret });
      void this.sendAll(peer, this.options.acme.heldFiles());
      if (this.own.length > 0) void this.tell(peer, ++this.number);
    } else {
      this.waiting.get(peer)?.settle();
      if (this.ofPeers.delete(peer)) void this.answer();
    }
    this.options.acme.reconsider();
  }

  handleMessage(peer: string, message: PeerMessage): void {
    switch (message.type) {
      case 'certificate':
        this.options.acme.takeOver(message.file, message.pem, peer);
        break;
      case 'proofs':
        this.ofPeers.set(peer, message.proofs);
        void this.confirm(peer, message.number);
        break;
      case 'confirmed': {
        const one = this.waiting.get(peer);
        if (one?.number === message.number) one.settle();
        break;
      }
      case 'ticket-secret':
        this.takeSecret(peer, message.secret);
        break;
      case 'hello':
      case 'beat':
      // Of node-sharing.ts.
      case 'configuration':
      case 'node':
      // Of leave-consent.ts.
      case 'may-leave':
      case 'leave-answer':
      // Of keeper/forwarding/kept-connections.ts.
      case 'kept':
      case 'exceptions':
    }
  }

  // --- inside ---

  private get ownSecret(): string {
    return Buffer.from(this.options.ticketSecret()).toString('base64url');
  }

  private takeSecret(peer: string, secret: string): void {
    const { node } = this.options.peers;
    if (node === null || !this.secrets.handleSecret(peer, secret)) return;
    this.secrets.handleSecret(node, this.ownSecret);
    this.useSecrets();
    this.options.log.info(`session tickets of peer ${peer} are taken here, and ours there`);
  }

  private useSecrets(): void {
    this.options.useTicketSecrets(this.secrets.list().map((one) => Uint8Array.from(Buffer.from(one, 'base64url'))));
  }

  private located(): { readonly node: string | null; readonly presences: ReturnType<PeersKeeper['presences']> } {
    const { peers } = this.options;
    return { node: peers.node, presences: peers.presences() };
  }

  private all(): readonly ProxyProof[] {
    return [...this.own, ...[...this.ofPeers.values()].flat()];
  }

  /** There may be more of them than may wait for a peer. */
  private async sendAll(peer: string, held: ReturnType<AcmeKeeper['heldFiles']>): Promise<void> {
    const { peers } = this.options;
    for (const { file, pem } of held) {
      await peers.drained(peer);
      peers.send(peer, { type: 'certificate', file, pem });
    }
  }

  private tell(peer: string, number: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        if (this.waiting.get(peer)?.settle === settle) this.waiting.delete(peer);
        resolve();
      };
      const timer = setTimeout(settle, CONFIRM_MS_MAX);
      this.waiting.get(peer)?.settle();
      this.waiting.set(peer, { number, settle });
      this.options.peers.send(peer, { type: 'proofs', number, proofs: this.own });
    });
  }

  private async confirm(peer: string, number: number): Promise<void> {
    if (await this.answer()) this.options.peers.send(peer, { type: 'confirmed', number });
  }

  private async answer(): Promise<boolean> {
    try {
      await this.options.publish(this.all());
      return true;
    } catch (error) {
      this.options.log.warn(`challenges of peers cannot be answered here: ${(error as Error).message}`);
      return false;
    }
  }
}

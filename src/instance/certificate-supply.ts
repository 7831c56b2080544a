/**
 * Certificates that nobody brings: this node gets them from authorities, or from peers that have got them; and whatever else goes over the
 * links to peers.
 */
import type { AcmeView } from '../api/certificates.ts';
import type { PairNodeView } from '../api/nodes.ts';
import type { PeersStatus } from '../api/status.ts';
import { join } from 'node:path';
import type { LeaveScope } from '../core/peers/leave.ts';
import type { SecretsByNode } from '../core/peers/ticket-secrets.ts';
import { findUser } from '../io/linux/users.ts';
import { AcmeKeeper, acmeMemories } from '../keeper/acme/acme-keeper.ts';
import type { ProxyProof } from '../keeper/acme/challenges.ts';
import { runCommand } from '../keeper/ha/command.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import { identityIn } from '../keeper/peers/identity.ts';
import { LeaveConsent, type LeaveConsentOptions, type Refused } from '../keeper/peers/leave-consent.ts';
import { NodeSharing, type NodeSharingOptions } from '../keeper/peers/node-sharing.ts';
import { PeersKeeper } from '../keeper/peers/peers-keeper.ts';
import { CertificateSharing } from '../keeper/peers/sharing.ts';
import type { ReadyPlans } from '../load/load.ts';
import { acmeSourcesOf } from '../load/tls/sources.ts';

export interface CertificateSupplyOptions {
  readonly keeper: Pick<Keeper, 'ticketSecret' | 'useTicketSecrets' | 'forwarding'>;
  readonly stateDirectory: string;
  readonly node: string;
  /** What the instance before this one has heard of its peers. */
  readonly heard: SecretsByNode;
  readonly version: string;
  /** Has the proxies answer authorities by these. Rejects if they cannot. */
  readonly publish: (proofs: readonly ProxyProof[]) => Promise<void>;
  /** Of this node, for its peers. */
  readonly self: Pick<NodeSharingOptions, 'configuration' | 'summary'> & Pick<LeaveConsentOptions, 'standing'>;
  /** A certificate is in its file. */
  readonly onObtained: () => void;
  readonly log: Log;
}

export class CertificateSupply {
  private readonly acme: AcmeKeeper;
  private readonly peers: PeersKeeper;
  private readonly sharing: CertificateSharing;
  private readonly node: string;
  private readonly nodes: NodeSharing;
  private readonly consent: LeaveConsent;

  constructor(options: CertificateSupplyOptions) {
    const { keeper, stateDirectory, node, heard, version, publish, self, onObtained, log } = options;
    this.node = node;
    this.acme = new AcmeKeeper({
      folder: join(stateDirectory, 'acme'),
      memories: acmeMemories(stateDirectory, node, log),
      version,
      publish: (proofs) => sharing.publish(proofs),
      mayOrderAtMs: () => sharing.mayOrderAtMs(),
      obtainer: () => sharing.obtainer,
      onObtained: (file, isOwn) => {
        onObtained();
        if (isOwn) sharing.handleObtained(file);
      },
      runCommand,
      findUser,
      ownUid: process.getuid?.() ?? -1,
      random: Math.random,
      log,
    });
    this.peers = new PeersKeeper({
      identity: () => identityIn(stateDirectory),
      version,
      log,
      random: Math.random,
      onChange: (peer, isUp) => {
        sharing.handleChange(peer, isUp);
        if (!isUp) return this.consent.handleDown(peer);
        this.nodes.handleUp(peer);
        keeper.forwarding.handlePeerUp(peer);
      },
      onMessage: (peer, message) => {
        sharing.handleMessage(peer, message);
        this.nodes.handleMessage(peer, message);
        this.consent.handleMessage(peer, message);
        keeper.forwarding.handlePeerMessage(peer, message);
      },
    });
    keeper.forwarding.linkTo({
      count: () => this.peers.presences().length,
      tell: (message, peer) => {
        for (const { name, isUp } of this.peers.presences()) {
          if (isUp && (peer ?? name) === name) this.peers.send(name, message);
        }
      },
    });
    this.nodes = new NodeSharing({ ...self, peers: this.peers, version, log });
    this.consent = new LeaveConsent({ node, peers: this.peers, standing: self.standing, log });
    const sharing = new CertificateSharing({
      peers: this.peers,
      acme: this.acme,
      publish,
      ticketSecret: () => keeper.ticketSecret,
      heard,
      useTicketSecrets: (secrets) => keeper.useTicketSecrets(secrets),
      log,
    });
    this.sharing = sharing;
  }

  /** What this node and its peers make session tickets with, for a successor. */
  get ticketSecrets(): SecretsByNode {
    return this.sharing.ticketSecrets;
  }

  /** To be called when everything serves by these. */
  apply({ peers, certificateSources }: Pick<ReadyPlans, 'peers' | 'certificateSources'>): void {
    this.peers.apply(peers);
    this.acme.apply(acmeSourcesOf(certificateSources));
    this.nodes.handleConfiguration();
  }

  stop(): void {
    this.acme.stop();
    this.nodes.stop();
    this.consent.stop();
    this.peers.stop();
  }

  views(): readonly AcmeView[] {
    return this.acme.views();
  }

  /** Goes if a peer agrees, or if there is none to be asked. */
  leave<T>(routers: LeaveScope, by: string | null, go: () => T | Promise<T>): Promise<T | Refused> {
    return this.consent.leave(routers, by, go);
  }

  /** Something was said by hand here. */
  tellPeers(): void {
    this.nodes.tell();
  }

  peersStatus(): PeersStatus | null {
    const status = this.peers.status();
    return status === null ? null : { ...status, nodes: status.peers.map((peer) => this.nodes.viewOf(peer)) };
  }

  ownNode(): PairNodeView {
    return this.nodes.ownView(this.peers.node ?? this.node);
  }
}

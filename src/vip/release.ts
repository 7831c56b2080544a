/**
 * Giving up the addresses of routers whose owner is dead, from outside: the peers are told, and the addresses are removed.
 * What else is left of the owner is for a successor to go on with, or to undo.
 */
import { PRIORITY_RELEASE } from '../wire/vrrp/advert.ts';
import type { Attachment, AttachmentHandler, SegmentHost, SourceLoss } from '../port/segment.ts';
import { AdvertSender } from '../core/vrrp/sender.ts';
import type { VirtualRouterPlan } from './plan.ts';
import { advertSettings, attachRequests } from './requests.ts';

/** Twice, as the owner does it: a release that is lost costs the peers the whole Active_Down_Interval. */
const RELEASES = 2;

/** `update` has the host call the handlers of what was attached. */
export function releaseRouters(routers: readonly VirtualRouterPlan[], host: SegmentHost, update: () => void): void {
  const attached = routers.map((plan) => {
    const handler = new SourceHandler();
    const attachments = attachRequests(plan).map((request) => host.attach(request, handler));
    return { plan, handler, attachments, routing: host.attachRouting(plan) };
  });
  update();
  for (const { plan, handler, attachments, routing } of attached) {
    const { source } = handler;
    if (source !== null) sendReleases(plan, attachments[0], source, host);
    routing.drop();
    for (const attachment of attachments) attachment.drop();
  }
}

function sendReleases(plan: VirtualRouterPlan, attachment: Attachment, source: Uint8Array, host: SegmentHost): void {
  const sender = new AdvertSender(advertSettings(plan));
  for (let i = 0; i < RELEASES; i++) {
    sender.destinations.forEach((destination, index) => {
      attachment.sendAdvert(source, destination, sender.payload(PRIORITY_RELEASE, index, source, host.unixUs));
    });
  }
}

class SourceHandler implements AttachmentHandler {
  source: Uint8Array | null = null;

  handleSource(source: Uint8Array | SourceLoss): void {
    this.source = source instanceof Uint8Array ? source.slice() : null;
  }

  handleMacChanged(): void {
    // It says nothing more from there.
  }

  handlePacket(): void {
    // Whoever speaks now is not answered any more.
  }

  handleNeighbor(): void {
    // The same.
  }

  handleAddressRemoved(): void {
    // That is what is wanted.
  }
}

/** The Ethernet frames that a virtual address needs, in either family. */
import { arpFrame, arpProbe, arpRequest, gratuitousReply, gratuitousRequest } from '../wire/arp.ts';
import { ALL_NODES, neighborFrame, solicitedNodeGroup, UNSPECIFIED, unsolicitedAdvertisement } from '../wire/ndp.ts';

/**
 * Says that `mac` has the address: gratuitous ARP as a request and as a reply, because hosts differ in which one they
 * learn from, or an unsolicited neighbour advertisement.
 */
export function announcementFrames(address: Uint8Array, mac: Uint8Array, isRouter: boolean): readonly Uint8Array[] {
  if (address.length === 4) return [arpFrame(gratuitousRequest(mac, address)), arpFrame(gratuitousReply(mac, address))];
  const message = unsolicitedAdvertisement(address, mac, isRouter);
  return [neighborFrame(message, { source: address, destination: ALL_NODES }, mac)];
}

/** Asks who has the address, without claiming it. */
export function probeFrame(address: Uint8Array, mac: Uint8Array): Uint8Array {
  if (address.length === 4) return arpFrame(arpProbe(mac, address));
  const envelope = { source: UNSPECIFIED, destination: solicitedNodeGroup(address) };
  return neighborFrame({ kind: 'solicitation', target: address, sourceMac: null }, envelope, mac);
}

/** Asks the gateway for a sign of life. */
export function gatewayFrame(gateway: Uint8Array, source: Uint8Array, mac: Uint8Array): Uint8Array {
  if (gateway.length === 4) return arpFrame(arpRequest(mac, source, gateway));
  const envelope = { source, destination: solicitedNodeGroup(gateway) };
  return neighborFrame({ kind: 'solicitation', target: gateway, sourceMac: mac }, envelope, mac);
}

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

/**
 * Asks who else has an address that this machine holds. Over IPv6 a probe would be answered to everybody, and turn caches to
 * the one who answers; over IPv4 a question with an own address would teach that one something.
 */
export function rivalFrame(address: Uint8Array, source: Uint8Array, mac: Uint8Array): Uint8Array {
  return address.length === 4 ? probeFrame(address, mac) : neighborQuestion(address, source, mac);
}

/** Asks a neighbour for its MAC address, as anybody does who wants to send it something. */
export function neighborQuestion(neighbor: Uint8Array, source: Uint8Array, mac: Uint8Array): Uint8Array {
  if (neighbor.length === 4) return arpFrame(arpRequest(mac, source, neighbor));
  const envelope = { source, destination: solicitedNodeGroup(neighbor) };
  return neighborFrame({ kind: 'solicitation', target: neighbor, sourceMac: mac }, envelope, mac);
}

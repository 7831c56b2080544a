/** Why an advert is not believed. What is refused is counted, and changes nothing. */
export const REFUSALS = [
  'ttl',
  'truncated',
  'version',
  'type',
  'address-count',
  'length',
  'interval',
  'other-version', // of VRRP, than this router speaks
  'virtual-router-id',
  'checksum',
  'own-address', // sent by this router itself, or by a second host with its address
  'not-a-peer', // from an address that is not among the unicast peers
  'destination', // multicast to a router with unicast peers, or the reverse
  'authentication-header', // RFC 2338's
  'authentication-type',
  'password',
  'trailer-missing',
  'trailer-malformed',
  'key-unknown',
  'code', // the authentication code is wrong: forged, or another key
  'stale', // signed too far from this clock
  'replay',
] as const;

export type Refusal = (typeof REFUSALS)[number];

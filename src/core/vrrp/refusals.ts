import { US_PER_S } from './intervals.ts';

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

/** What only somebody at the other node can mend, in words. */
const WORDS: Partial<Record<Refusal, string>> = {
  password: 'with another password',
  'trailer-missing': 'not signed: has its file a key?',
  'key-unknown': 'signed with a key of an id that is not in the key file of this node',
  code: 'signed with another key',
};

/** Behind `an advert from 192.0.2.7`. `leadUs`: of a stale one, by what its clock is ahead of this one. Empty: the reason says it all. */
export function refusalText(reason: Refusal, leadUs: number): string {
  if (reason !== 'stale') return WORDS[reason] ?? '';
  const s = (Math.abs(leadUs) / US_PER_S).toFixed(1);
  return `signed ${s} s ${leadUs > 0 ? 'ahead of' : 'behind'} this clock: do the clocks agree?`;
}

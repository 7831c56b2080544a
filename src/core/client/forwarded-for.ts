/**
 * Who the client of a request is, by its X-Forwarded-For fields, or another field of its proxies: read from the right, each entry was written by the hop to
 * its right, so it is believed as long as that hop is a trusted proxy. The first entry that is not one is the client;
 * whatever is left of it is the client's own claim. An entry that is no address (`unknown`, an obfuscated name, nothing) ends
 * the walk too: the client is then the hop that wrote it.
 *
 * Entries may have a port, brackets and quotes: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `"[2001:db8::1]:4711"`.
 */
import { encodeUtf8 } from '../../base/text.ts';
import type { TrustPlan } from '../../config/plan/listener.ts';
import { COLON, COMMA, equalsIgnoringCase, HTAB, SP } from '../../wire/http1/classes.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_X_FORWARDED_FOR,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { copyIp, IpWords, parseIpText } from '../../wire/ip-text.ts';
import { TrustedProxies } from './trusted-proxies.ts';

const QUOTE = 0x22;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** What of the X-Forwarded-For fields is believed: from here to their end. */
export class BelievedHops {
  /** Index of the field; -1: nothing. */
  field = -1;
  /** Offset in it. */
  at = 0;
}

const entry = new IpWords();
const FORWARDED_FOR = 'x-forwarded-for';

export class ClientResolver {
  readonly trusted: TrustedProxies;
  /** Nothing but the address is believed. */
  readonly isPassed: boolean;
  private readonly isLastOnly: boolean;
  /** In lower case; null: X-Forwarded-For, which has an id. */
  private readonly name: Uint8Array | null;

  constructor(plan: TrustPlan) {
    this.trusted = new TrustedProxies(plan);
    this.isPassed = plan.isPassed;
    this.isLastOnly = plan.isLastOnly;
    const name = plan.field.toLowerCase();
    this.name = name === FORWARDED_FOR ? null : encodeUtf8(name);
  }

  /**
   * The client of a request that came from the trusted proxy `peer`, into `client`; what of the X-Forwarded-For fields was
   * believed, into `hops`.
   */
  resolve(bytes: Uint8Array, head: RequestHead, peer: IpWords, client: IpWords, hops: BelievedHops): void {
    const { isLastOnly, name, trusted } = this;
    copyIp(peer, client);
    hops.field = -1;
    if (name === null && (head.seen & (1 << F_X_FORWARDED_FOR)) === 0) return;
    const { fields } = head;
    for (let field = head.fieldCount - 1; field >= 0; field--) {
      const word = field * FIELD_WORDS;
      if (name === null) {
        if (fields[word + FIELD_ID] !== F_X_FORWARDED_FOR) continue;
      } else if (!equalsIgnoringCase(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], name))
        continue;
      const start = fields[word + FIELD_VALUE];
      let end = start + fields[word + FIELD_VALUE_LENGTH];
      while (end >= start) {
        let at = end;
        while (at > start && bytes[at - 1] !== COMMA) at--;
        const first = skipSpace(bytes, at, end);
        if (!readEntry(bytes, first, end)) return;
        copyIp(entry, client);
        if (name === null) {
          hops.field = field;
          hops.at = first;
        }
        if (isLastOnly || !trusted.has(client)) return;
        end = at - 1;
      }
    }
  }
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  return at;
}

/** Reads the address of the entry bytes[at..end) into `entry`. */
function readEntry(bytes: Uint8Array, at: number, end: number): boolean {
  while (end > at && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end--;
  if (end - at >= 2 && bytes[at] === QUOTE && bytes[end - 1] === QUOTE) {
    at++;
    end--;
  }
  if (at < end && bytes[at] === OPEN) {
    let close = at;
    while (close < end && bytes[close] !== CLOSE) close++;
    return (
      close < end &&
      (close + 1 === end || isPort(bytes, close + 1, end)) &&
      hasColon(bytes, at + 1, close) &&
      parseIpText(bytes, at + 1, close, entry)
    );
  }
  if (parseIpText(bytes, at, end, entry)) return true;
  // a port, which only an IPv4 address can have without brackets
  let colon = at;
  while (colon < end && bytes[colon] !== COLON) colon++;
  return isPort(bytes, colon, end) && parseIpText(bytes, at, colon, entry);
}

function hasColon(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && bytes[at] !== COLON) at++;
  return at < end;
}

/** A colon and one to five digits. */
function isPort(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 2 || end - at > 6 || bytes[at] !== COLON) return false;
  for (let i = at + 1; i < end; i++) if (bytes[i] < 0x30 || bytes[i] > 0x39) return false;
  return true;
}

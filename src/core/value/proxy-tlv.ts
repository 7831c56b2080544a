/** A value of a PROXY protocol header behind its addresses: bytes as they came, or the number of `ssl-verify` as text. */
import type { ProxyTlv } from '../../config/words/proxy-tlv.ts';
import { findTlv, SSL_FIXED_BYTES, TLV_HEAD_BYTES, TLV_SSL, tlvEnd } from '../../wire/proxy-protocol/tlvs.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ToldConnection } from './request-view.ts';
import type { Span } from './span.ts';

/** False: the header does not have it, or it is empty. */
export function findProxyTlv(told: ToldConnection | null, { within, type }: ProxyTlv, span: Span): boolean {
  span.clear();
  if (told === null) return false;
  const { tlvs } = told;
  let at = 0;
  let end = tlvs.length;
  if (within === 'ssl') {
    const ssl = findTlv(tlvs, 0, end, TLV_SSL);
    if (ssl < 0) return false;
    end = tlvEnd(tlvs, ssl);
    at = ssl + TLV_HEAD_BYTES + SSL_FIXED_BYTES;
    if (at > end) return false;
  }
  if (type === 'verify') {
    const number = new DataView(tlvs.buffer, tlvs.byteOffset).getUint32(at - 4);
    const text = encodeUtf8(`${number}`);
    span.set(text, 0, text.length);
    return true;
  }
  const found = findTlv(tlvs, at, end, type);
  if (found < 0) return false;
  span.set(tlvs, found + TLV_HEAD_BYTES, tlvEnd(tlvs, found) - found - TLV_HEAD_BYTES);
  return span.length > 0;
}

/** The PROXY protocol header that a connection to a server begins with: whose it is, and what the upstream is to be told of it. */
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import type { ToldConnection } from '../core/value/request-view.ts';
import { PROXY_HEADER_WRITTEN_MAX, ProxyAddresses, writeProxyHeader } from '../wire/proxy-protocol/header.ts';
import {
  endHeader,
  endTlv,
  TLV_ALPN,
  TLV_AUTHORITY,
  TLV_HEAD_BYTES,
  TLV_UNIQUE_ID,
  TLVS_BYTES_MAX,
  writeSslTlv,
  writeTextTlv,
} from '../wire/proxy-protocol/tlvs.ts';
import type { ConnectionInfo, PeerAddress } from './layer.ts';

export const SERVER_HEADER_BYTES_MAX = PROXY_HEADER_WRITTEN_MAX + TLVS_BYTES_MAX;

type Wanted = Pick<UpstreamPlan, 'proxyProtocol' | 'proxyTlvs'>;

/** For whom a connection to a server is made. */
export interface DialClient {
  readonly client: PeerAddress;
  /** What is known of that connection besides. */
  readonly clientInfo: ConnectionInfo | null;
  /** Writes the identifier of what it is made for at `at` and returns the offset behind it: up to 128 bytes. */
  emitId(into: Uint8Array, at: number): number;
}

const addresses = new ProxyAddresses();

/** Writes it at `at`, and returns the offset behind it: not more than SERVER_HEADER_BYTES_MAX on. */
export function emitServerHeader(plan: Wanted, of: DialClient, bytes: Uint8Array, at: number): number {
  const { client } = of;
  addresses.isTold = true;
  addresses.sourcePort = client.remoteAddress(addresses.source, 0);
  addresses.destinationPort = client.localAddress(addresses.destination, 0);
  const end = writeProxyHeader(plan.proxyProtocol ?? 'v2', addresses, bytes, at);
  return plan.proxyTlvs.length === 0 ? end : emitTlvs(plan, of, bytes, at, end);
}

function emitTlvs({ proxyTlvs }: Wanted, of: DialClient, bytes: Uint8Array, headerAt: number, end: number): number {
  const info = of.clientInfo;
  let at = end;
  for (const name of proxyTlvs) {
    if (name === 'authority') at = writeTextTlv(TLV_AUTHORITY, authorityOf(info), bytes, at);
    else if (name === 'alpn') at = writeTextTlv(TLV_ALPN, info?.protocol ?? '', bytes, at);
    else if (name === 'unique-id') at = emitUniqueId(of, bytes, at);
    else if (name === 'ssl' && info !== null && info.tls !== null) {
      at = writeSslTlv(info.tls, bytes, at);
    }
  }
  return endHeader(bytes, headerAt, at, proxyTlvs.includes('crc32c'));
}

/** What the client has asked for itself counts more than what somebody in front says of it. */
function authorityOf(info: ConnectionInfo | null): string {
  if (info === null) return '';
  return info.hello?.serverName || info.tls?.serverName || believed(info)?.authority || '';
}

function believed({ peer, told }: ConnectionInfo): ToldConnection | null {
  return peer === null ? null : told;
}

/** That of somebody in front goes on. */
function emitUniqueId(of: DialClient, bytes: Uint8Array, at: number): number {
  const told = of.clientInfo === null ? '' : (believed(of.clientInfo)?.uniqueId ?? '');
  if (told !== '') return writeTextTlv(TLV_UNIQUE_ID, told, bytes, at);
  const valueAt = at + TLV_HEAD_BYTES;
  const end = of.emitId(bytes, valueAt);
  return end === valueAt ? at : endTlv(bytes, at, TLV_UNIQUE_ID, end);
}

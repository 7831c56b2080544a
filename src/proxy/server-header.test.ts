/** What servers are told by a PROXY protocol header, read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import type { ClientCertificateFacts } from '../base/client-certificate.ts';
import type { ToldConnection } from '../core/value/request-view.ts';
import { ProxyAddresses, readProxyHeader } from '../wire/proxy-protocol/header.ts';
import { ClientHello } from '../wire/tls/client-hello.ts';
import { type ConnectionInfo, NOTHING_KNOWN } from './layer.ts';
import { emitServerHeader, SERVER_HEADER_BYTES_MAX } from './server-header.ts';

const TLS = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  group: '',
  protocol: null,
  offeredCiphers: '',
  offeredGroups: '',
  sessionId: '',
  serverName: 'shop.example',
  isResumed: false,
  client: null,
};
const ALL: UpstreamPlan['proxyTlvs'] = ['authority', 'alpn', 'ssl', 'unique-id', 'crc32c'];

function address(last: number): (into: Uint8Array, at: number) => number {
  return (into, at) => {
    into.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last], at);
    return 1000 + last;
  };
}

const client = { remoteAddress: address(1), localAddress: address(2) };
const told: ToldConnection = { ...client, authority: 'told.example', uniqueId: 'told-1', tlvs: new Uint8Array(0) };

function headerOf(proxyTlvs: UpstreamPlan['proxyTlvs'], clientInfo: ConnectionInfo | null, id = 'id-1'): Buffer {
  const bytes = new Uint8Array(2 * SERVER_HEADER_BYTES_MAX).fill(0xaa);
  const emitId = (into: Uint8Array, at: number): number => {
    into.set(Buffer.from(id), at);
    return at + id.length;
  };
  const end = emitServerHeader({ proxyProtocol: 'v2', proxyTlvs }, { client, clientInfo, emitId }, bytes, 7);
  assert.ok(end <= 7 + SERVER_HEADER_BYTES_MAX);
  assert.ok(bytes.subarray(end).every((byte) => byte === 0xaa));
  const header = Buffer.from(bytes.subarray(7, end));
  assert.equal(readProxyHeader(header, 0, header.length, new ProxyAddresses()), header.length);
  return header;
}

/** By type, in hexadecimal. */
function tlvsOf(header: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 28; at < header.length;) {
    const end = at + 3 + header.readUInt16BE(at + 1);
    found[header.subarray(at, at + 1).toString('hex')] = header.subarray(at + 3, end).toString('latin1');
    at = end;
  }
  return found;
}

test('what is wanted is told, where it is known', () => {
  assert.equal(headerOf([], NOTHING_KNOWN).length, 28);
  assert.deepEqual(tlvsOf(headerOf(['authority', 'alpn', 'ssl'], null)), {});
  const known = { ...NOTHING_KNOWN, tls: TLS, protocol: 'http/1.1' };
  const { '03': checksum, '20': ssl, ...rest } = tlvsOf(headerOf(ALL, known));
  assert.deepEqual(rest, { '01': 'http/1.1', '02': 'shop.example', '05': 'id-1' });
  assert.equal(checksum.length, 4);
  assert.equal(ssl, `\x01\0\0\0\x01\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_128_GCM_SHA256`);
  assert.deepEqual(tlvsOf(headerOf(['unique-id', 'alpn'], null, '')), {}, 'an empty one is none');
});

test('who asks for a host in a hello, or by a header that is believed', () => {
  const hello = Object.assign(new ClientHello(), { serverName: 'hello.example', protocols: ['h2'] });
  const wanted = ['authority', 'alpn', 'ssl', 'unique-id'] as const;
  assert.deepEqual(tlvsOf(headerOf(wanted, { ...NOTHING_KNOWN, hello })), { '02': 'hello.example', '05': 'id-1' });
  const believed = { ...NOTHING_KNOWN, told, peer: told };
  assert.deepEqual(tlvsOf(headerOf(wanted, believed)), { '02': 'told.example', '05': 'told-1' });
  assert.equal(tlvsOf(headerOf(wanted, { ...believed, tls: TLS }))['02'], 'shop.example');
  assert.deepEqual(tlvsOf(headerOf(wanted, { ...NOTHING_KNOWN, told })), { '05': 'id-1' });
});

function certificateOf(subject: string, verified = 'SUCCESS'): ClientCertificateFacts {
  return { verified, subject } as ClientCertificateFacts;
}

function sslOf(client: ClientCertificateFacts): string {
  return tlvsOf(headerOf(['ssl'], { ...NOTHING_KNOWN, tls: { ...TLS, version: '', cipher: '', client } }))['20'];
}

function commonName(name: string): string {
  return `\x22\0${String.fromCharCode(name.length)}${name}`;
}

test('the certificate of a client: whether it is right, and its common name', () => {
  assert.equal(sslOf(certificateOf('CN=door,O=Example')), `\x05\0\0\0\0${commonName('door')}`);
  assert.equal(sslOf(certificateOf('O=Example', 'FAILED:expired')), '\x05\0\0\0\x01');
  assert.equal(
    sslOf(certificateOf('OU=x\\,CN=y,CN=T\\C3\\BCr\\, 1+SN=2,O=Example\\, Inc')),
    `\x05\0\0\0\0${commonName('T\xc3\xbcr, 1')}`,
  );
});

test('the longest of all is bounded, and what is too long is left out', () => {
  const long = 'x'.repeat(255);
  const most = {
    ...NOTHING_KNOWN,
    protocol: long,
    tls: { ...TLS, version: long, cipher: long, serverName: long, client: certificateOf(`CN=${long}`) },
  };
  assert.equal(headerOf(ALL, most, 'i'.repeat(128)).length, 28 + 258 + 258 + 8 + 3 * 258 + 131 + 7);
  const { '01': alpn, '02': authority } = tlvsOf(
    headerOf(ALL, { ...NOTHING_KNOWN, protocol: `${long}x`, tls: { ...TLS, serverName: `${long}x` } }),
  );
  assert.deepEqual([alpn, authority], [undefined, undefined]);
});

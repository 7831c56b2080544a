/** `tls` of a listener: which certificates it has, and how it speaks with its clients. And of an upstream: which servers are believed. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { Acme } from './acme.ts';
import {
  alpnProtocol,
  anyText,
  servedName,
  duration,
  filePath,
  flag,
  integer,
  key,
  oneOrMany,
  required,
  verifiedName,
} from './scalars.ts';

const relative = 'A path that is not absolute is relative to the file that it is written in.';

/** Of one certificate. */
const pairKeys = {
  certificate: key(
    filePath,
    `The certificate and those that lead to its root, PEM, its own first (certbot's \`fullchain.pem\`). ${relative}`,
  ),
  key: key(
    filePath,
    'Its private key, PEM. Without it the key is in the file of the certificate. Root alone has to be able to read it.',
  ),
  'passphrase-file': key(filePath, 'Passphrases of an encrypted key, one a line, which are tried in turn.'),
  ocsp: key(
    filePath,
    'An OCSP response about the certificate, DER, which clients get that ask for it (stapling). It is read again when it is replaced.',
  ),
};

/** Of the admin API: one certificate, for programs that know where they ask. */
export const AdminTls = z.strictObject({
  certificate: required(filePath, `As that of a listener. ${relative}`, '/etc/evenkeel/admin.pem'),
  key: pairKeys.key,
  'passphrase-file': pairKeys['passphrase-file'],
  'client-ca': key(
    filePath,
    'Who may have issued the certificates of clients: certificates of authorities, PEM. With it a client without such a certificate is not heard; what it may do ' +
      'is still for its token to say.',
  ),
});

const clientCertificate = z.strictObject({
  ca: key(
    filePath,
    `Who may have issued the certificates of clients: certificates of authorities, PEM, one behind the other. Clients are told their names. ${relative}`,
  ),
  'unannounced-ca': key(filePath, 'More of them, whose names clients are not told.'),
  mode: key(
    z.enum(['require', 'optional', 'optional-no-ca']),
    '`require`: requests without a certificate are answered 400, and TCP connections end; `optional`: who has none may come; ' +
      '`optional-no-ca`: also with one that nobody known has issued, which the servers have to judge. One that is wrong otherwise is refused in each of them.',
    DEFAULTS.tls.client.mode,
  ),
  crl: key(
    filePath,
    'What the authorities have revoked (CRL, PEM, one behind the other): of each authority on the way to the root there must be one.',
  ),
  depth: key(
    z.int().min(0).max(100),
    "How many certificates may stand between a client's own and a root.",
    DEFAULTS.tls.client.depth,
  ),
});

const Certificate = z.strictObject({
  ...pairKeys,
  names: key(
    oneOrMany(servedName),
    'The names that it is for, `shop.example` or `*.shop.example`. `*`: any that no other is for, and none; without one such the first certificate ' +
      'is for those, too. Without it those of the certificate (subject alternative names).',
  ),
  acme: key(Acme, 'One that evenkeel gets and renews by itself, from a certificate authority that speaks ACME.'),
  folder: key(
    filePath,
    'Every certificate of a folder: `x.pem` or `x.crt` with `x.key` or its key inside, and folders of certbot with `fullchain.pem` and ' +
      '`privkey.pem`.',
  ),
  'client-certificate': key(
    clientCertificate,
    'What clients that ask for its names have to show. Without it what stands in `tls`.',
  ),
});

const profileNames = z.enum(['intermediate', 'modern']);

const profileKeys = {
  versions: required(oneOrMany(z.enum(['TLSv1.2', 'TLSv1.3'])), 'The versions of TLS.', ['TLSv1.2', 'TLSv1.3']),
  ciphers: key(
    anyText('list of ciphers', 'ECDHE+AESGCM'),
    "The cipher suites of TLS 1.2, by OpenSSL's names and words (`openssl ciphers`). Without it those of `intermediate`.",
  ),
  ciphersuites: key(
    anyText('list of cipher suites', 'TLS_AES_256_GCM_SHA384'),
    "The cipher suites of TLS 1.3. Without it OpenSSL's own.",
  ),
  groups: key(
    anyText('list of groups', 'X25519:prime256v1'),
    "The groups for the key exchange. Without it OpenSSL's own.",
  ),
};

const Profile = z.union([
  profileNames,
  z.strictObject({
    ...profileKeys,
    'server-order': key(flag, 'Our order of cipher suites counts, not that of the client.', DEFAULTS.tls.serverOrder),
  }),
]);

export const Tls = z.strictObject({
  ...pairKeys,
  certificates: key(
    z.array(Certificate).min(1),
    'Several certificates, or one for each kind of key (ECDSA beside RSA). The first one is the default. Each has `certificate`, `folder` or `acme`.',
  ),
  profile: key(
    Profile,
    'Versions, cipher suites and groups by the guideline 5.8 of Mozilla. `intermediate`: TLS 1.2 and 1.3; `modern`: TLS 1.3 alone. ' +
      'Or a map that says each.',
    DEFAULTS.tls.profile,
  ),
  'unknown-name': key(
    z.enum(['default', 'refuse']),
    'What becomes of clients that ask for a name without certificate, or for none (SNI). `default`: they get the first certificate; ' +
      '`refuse`: the handshake fails.',
    DEFAULTS.tls['unknown-name'],
  ),
  'plain-http': key(
    z.enum(['refuse', 'redirect']),
    'What becomes of a request that comes without TLS. `refuse`: 400 with a text that says why; `redirect`: 308 to https. Only for ' +
      '`protocol: http`.',
    DEFAULTS.tls['plain-http'],
  ),
  alpn: key(
    oneOrMany(alpnProtocol),
    'Which protocols there are, best first, for clients that offer some (ALPN). A client that offers others only is refused; one that offers none may ' +
      'come. Only for `protocol: tcp`. Without it none is agreed on.',
  ),
  'client-certificate': key(
    clientCertificate,
    'Clients are asked for a certificate (mutual TLS). Without it they are not.',
  ),
  tickets: key(
    flag,
    'Sessions are resumed by tickets. `false`: each connection needs a whole handshake.',
    DEFAULTS.tls.tickets,
  ),
  'session-cache': key(
    flag,
    'Sessions for which there is no ticket are kept, in a table that all proxies of this node share. It has room for 8192; the oldest ones go.',
    DEFAULTS.tls['session-cache'],
  ),
  'session-timeout': key(
    duration('1s', '168h'),
    'For how long after its handshake a session may be resumed. Keys of tickets that evenkeel makes itself are taken for 8 to 16 hours, which is the ' +
      'longest then.',
    DEFAULTS.tls['session-timeout'],
  ),
  'ticket-secret': key(
    oneOrMany(filePath),
    'A file with 32 random bytes or more, the same on both nodes of a pair: keys of tickets are made of it and the time. Of several the first ' +
      'is for new sessions. Without it a secret of this node is made at its start.',
  ),
  'ticket-keys': key(
    oneOrMany(filePath),
    'Files with 80 or 48 bytes, which are the keys of tickets themselves, as nginx has them; they stay as long as the files do. The first ' +
      'one is for new sessions.',
  ),
  handshake: key(
    duration('1ms', '1h'),
    'From the first byte to the end of the handshake; then the connection is closed.',
    DEFAULTS.tls.handshake,
  ),
  handshakes: key(
    z.strictObject({
      'per-second': key(integer(1, 1_000_000), 'In all. Without it any number.'),
      'per-source': key(
        integer(1, 1_000_000),
        'With one IPv4 address, or one IPv6 network of 64 bits. Without it any number.',
      ),
    }),
    'Full handshakes that each proxy begins in a second; so many may come at once. What comes beyond is reset. Sessions that are resumed do not count.',
  ),
});

export type ClientCertificateConfig = z.infer<typeof clientCertificate>;
export type TlsConfig = z.infer<typeof Tls>;

/** Of an upstream, and of its checks. */
export const ServersTls = z.union([
  flag,
  z.strictObject({
    ca: key(
      oneOrMany(filePath),
      `Files with the certificates of who may issue those of servers, PEM. Without it this system's. ${relative}`,
    ),
    crl: key(
      filePath,
      'The certificates that have been revoked (CRL), PEM; there has to be one list for each issuer of a chain. Without it nothing is asked.',
    ),
    'verify-depth': key(
      integer(0, 100),
      "How many intermediate certificates there may be between a server's own and that of `ca`. Without it as many as OpenSSL takes.",
    ),
    verify: key(
      flag,
      'A server has to prove who it is. `false`: anybody on the way can read and change what is sent.',
      DEFAULTS.upstream.tls.verify,
    ),
    'server-name': key(
      verifiedName,
      'The name that is asked for (SNI), and that the certificate of each server has to be for. Without it the one that the server is ' +
        'written with. An IP address is not asked for; the certificate has to have it.',
    ),
    sni: key(flag, 'The name is asked for.', DEFAULTS.upstream.tls.sni),
    alpn: key(
      oneOrMany(alpnProtocol),
      'Protocols that are offered to the servers, best first (ALPN). Only where TCP listeners lead to them. Without it none is offered.',
    ),
    ...pairKeys,
    profile: key(
      z.union([profileNames, z.strictObject(profileKeys)]),
      "As a listener's. `intermediate`: TLS 1.2 and 1.3; `modern`: TLS 1.3 alone. Or a map that says each.",
      DEFAULTS.tls.profile,
    ),
    'session-reuse': key(
      flag,
      'Handshakes are shortened with what the server has given in an earlier one.',
      DEFAULTS.upstream.tls['session-reuse'],
    ),
  }),
]);

export type ServersTlsConfig = z.infer<typeof ServersTls>;

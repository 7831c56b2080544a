/** Which scripts of tlsfuzzer are run, how, and which of their probes end otherwise than they expect. */

/** Why a probe ends otherwise, as docs/tls-conformance.md says it. */
const REASONS = {
  alert: 'OpenSSL refuses it too, with another alert',
  openssl: 'OpenSSL decides so',
  dhe: 'there is no DHE',
  old: 'there is no TLS 1.1',
  renegotiation: 'there is no renegotiation',
  http2: 'wants HTTP/2, which is off here',
  names: 'a name that no certificate has gets the first certificate',
  forward: 'sessions are resumed with a fresh key exchange alone',
  key: 'there is no certificate with such a key',
} as const;

type Reason = keyof typeof REASONS;

export interface Script {
  readonly name: string;
  readonly args: readonly string[];
  /** It needs suites and signatures that `intermediate` leaves out: CBC, RSA key exchange, CCM, SHA-1. */
  readonly isWide: boolean;
  readonly deviations: readonly Deviation[];
}

interface Deviation {
  readonly probe: RegExp;
  readonly reason: Reason;
}

const GCM = '-C TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';

function run(name: string, args = '', deviations: Readonly<Partial<Record<Reason, RegExp>>> = {}): Script {
  return {
    name,
    args: args.split(' ').filter(Boolean),
    isWide: false,
    deviations: Object.entries(deviations).map(([reason, probe]) => ({ probe, reason: reason as Reason })),
  };
}

function wide(...of: Parameters<typeof run>): Script {
  return { ...run(...of), isWide: true };
}

export function reasonOf(script: Script, probe: string): string | null {
  const found = script.deviations.find((deviation) => deviation.probe.test(probe));
  return found === undefined ? null : REASONS[found.reason];
}

export const SCRIPTS: readonly Script[] = [
  run('tls13-conversation'),
  run('tls13-ccs'),
  run('tls13-empty-alert'),
  run('tls13-unencrypted-alert'),
  run('tls13-finished-plaintext'),
  run('tls13-invalid-ciphers'),
  run('tls13-keyshare-omitted'),
  run('tls13-hrr'),
  // it answers a change of keys with its next record of data (RFC 8446 section 4.6.3 asks for no more)
  run('tls13-keyupdate', '', {
    alert: /^large KeyUpdate message$/,
    openssl: /^app data split, conversation with KeyUpdate msg$/,
  }),
  run('tls13-nociphers'),
  run('tls13-record-padding'),
  run('tls13-zero-content-type'),
  run('tls13-zero-length-data'),
  run('tls13-connection-abort'),
  // since OpenSSL 3.2 extension 27 is one that it reads: compressed certificates
  run('tls13-large-number-of-extensions', '--supgroup --exc 27'),
  run('tls13-legacy-version', '', { alert: /^version \(3, 0\)$/ }),
  wide('tls13-session-resumption', '', { forward: /PSK_ONLY/ }),
  wide('tls13-symetric-ciphers'),
  wide('tls13-version-negotiation', '', { old: /^fallback from TLS 1\.\d to (1\.1|1\.0|SSLv3)$/ }),
  run('conversation', GCM),
  run('connection-abort', GCM),
  wide('atypical-padding', '-d'),
  run('early-application-data', GCM),
  run('fuzzed-ciphertext', GCM),
  run('invalid-content-type', GCM),
  run('large-hello', '-d'),
  wide('message-skipping', '-d'),
  run('record-layer-fragmentation', GCM),
  run('renegotiation-disabled', GCM),
  run('sslv2-connection'),
  run('version-numbers', GCM),
  run('zero-length-data', GCM),
  wide('alpn-negotiation', '-d', { renegotiation: /^renegotiation /, http2: /^resumption with alpn change$/ }),
  wide('clienthello-md5', '', { dhe: /^sanity$/ }),
  wide('client-hello-max-size', '-d'),
  run('cve-2016-7054', '-C TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'),
  wide('ecdhe-rsa-key-exchange', '', { openssl: /^ECDHE w\/o extension$/ }),
  wide('export-ciphers-rejected', '--min-ver TLSv1.2'),
  wide('extended-master-secret-extension', '-d', {
    old: /TLSv1\.1/,
    dhe: /DHE$/,
    renegotiation: /renegotiat/,
  }),
  wide('fallback-scsv', '-d --tls-1.3 --min-support TLSv1.2'),
  wide('invalid-cipher-suites'),
  wide('invalid-client-hello'),
  run('invalid-compression-methods', GCM, { alert: /^(invalid compression methods|only deflate compression method)$/ }),
  wide('invalid-server-name-extension', '-d --sni localhost', {
    alert: /^(Empty hostname in SNI extension|SNI name with NULL)$/,
    names: /^(incorrect SNI|SNI name with .*)$/,
    openssl: /^multiple (types|host_names) in SNI/,
  }),
  wide('invalid-session-id'),
  wide('invalid-version'),
  wide('message-duplication'),
  wide('sessionID-resumption', '-d'),
  wide('sig-algs', '', { key: /^rsa_pss_pss_/ }),
  wide('sslv2hello-protocol'),
  wide('ssl-death-alert', '-d'),
  run('truncating-of-client-hello', GCM, { alert: /^(huge|max) pad: / }),
  wide('unsupported-curve-fallback', '', { dhe: /./ }),
  wide('x25519', '--no-default-group', { alert: /^empty x(448|25519) key share$/, dhe: /fallback to DHE/ }),
];

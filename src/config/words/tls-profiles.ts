/** Mozilla's recommendations for servers (ssl-config.mozilla.org/guidelines/5.8.json), in OpenSSL's names. */
import type { TlsPlan } from '../plan/tls.ts';

export type TlsProfile = Pick<TlsPlan, 'versions' | 'ciphers' | 'suites' | 'groups' | 'prefersOwnOrder'>;

const SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** X25519MLKEM768 is there from OpenSSL 3.5 on. */
const GROUPS = 'X25519MLKEM768:X25519:prime256v1:secp384r1';

export const INTERMEDIATE: TlsProfile = {
  versions: ['1.2', '1.3'],
  ciphers:
    'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:' +
    'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
  suites: SUITES,
  groups: GROUPS,
  prefersOwnOrder: false,
};

export const MODERN: TlsProfile = {
  versions: ['1.3'],
  ciphers: '',
  suites: SUITES,
  groups: GROUPS,
  prefersOwnOrder: false,
};

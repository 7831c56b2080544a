/** Certificates for tests, made by the openssl command when they are asked for. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { Credential } from '../../../port/tls.ts';

export interface TestCertificate extends Credential {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Signs itself, for these names. */
export function createCertificate(names: readonly string[], kind: 'ec' | 'rsa' = 'ec'): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tls-'));
  try {
    const key = join(folder, 'key.pem');
    const certificate = join(folder, 'certificate.pem');
    const algorithm = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
    const subject = [
      '-subj',
      `/CN=${names[0]}`,
      '-addext',
      `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
    ];
    const made = ['-nodes', '-keyout', key, '-out', certificate, '-days', '30'];
    openssl('req', '-x509', '-newkey', ...algorithm, ...made, ...subject);
    const der = openssl('x509', '-in', certificate, '-outform', 'DER');
    return {
      id: createHash('sha256').update(der).digest('hex'),
      chain: [Uint8Array.from(der)],
      key: Uint8Array.from(openssl('pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER')),
      certificatePem: readFileSync(certificate, 'utf8'),
      keyPem: readFileSync(key, 'utf8'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(...operands: string[]): Buffer {
  return execFileSync('openssl', operands, { stdio: ['ignore', 'pipe', 'ignore'] });
}

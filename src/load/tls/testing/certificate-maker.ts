/** Certificates of every kind for tests, made by the openssl command in a folder of their own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CertificateSpec {
  /** DNS names; empty: no subject alternative name. */
  readonly names: readonly string[];
  readonly addresses?: readonly string[];
  readonly key?: 'rsa' | 'rsa-weak' | 'rsa-small' | 'ec' | 'ed25519';
  /** The name of one that was made before; without it it is self-signed. */
  readonly issuer?: string;
  readonly isAuthority?: boolean;
  /** As `/O=Example/CN=door`. */
  readonly subject?: string;
  readonly mustStaple?: boolean;
  /** As days from now; negative: past. */
  readonly from?: number;
  readonly until?: number;
}

export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

const KEYS = {
  rsa: ['-newkey', 'rsa:2048'],
  'rsa-weak': ['-newkey', 'rsa:1024'],
  'rsa-small': ['-newkey', 'rsa:512'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  ed25519: ['-newkey', 'ed25519'],
} as const;
const DAY_MS = 86_400_000;

export class CertificateMaker {
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-tls-'));

  /** `NAME.pem` with the certificate alone, and `NAME.key`. */
  make(name: string, spec: CertificateSpec): MadeCertificate {
    const { names, key = 'ec', issuer, isAuthority = false, mustStaple = false, from = -1, until = 90 } = spec;
    const { addresses = [], subject = `/CN=${name}` } = spec;
    const made = { certificate: this.path(`${name}.pem`), key: this.path(`${name}.key`) };
    const request = this.path(`${name}.csr`);
    const extensions = this.path(`${name}.ext`);
    this.openssl(
      'req',
      '-new',
      '-nodes',
      ...KEYS[key],
      '-keyout',
      made.key,
      '-out',
      request,
      '-utf8',
      '-subj',
      subject,
    );
    writeFileSync(
      extensions,
      [
        `basicConstraints=CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
        ...(names.length + addresses.length === 0
          ? []
          : [
              `subjectAltName=${[...names.map((each) => `DNS:${each}`), ...addresses.map((each) => `IP:${each}`)].join(',')}`,
            ]),
        ...(mustStaple ? ['tlsfeature=status_request'] : []),
      ].join('\n'),
    );
    const folder = this.path(`${name}.ca`);
    execFileSync('mkdir', [folder]);
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(
      join(folder, 'ca.conf'),
      `[ca]\ndefault_ca=x\n[x]\ndatabase=${folder}/index.txt\nnew_certs_dir=${folder}\nrand_serial=yes\n` +
        'default_md=sha256\npolicy=p\nunique_subject=no\n[p]\norganizationName=optional\ncommonName=supplied\n',
    );
    const signer =
      issuer === undefined
        ? ['-selfsign', '-keyfile', made.key]
        : ['-cert', this.path(`${issuer}.pem`), '-keyfile', this.path(`${issuer}.key`)];
    this.openssl(
      ...`ca -batch -notext -config ${folder}/ca.conf -in ${request} -out ${made.certificate}`.split(' '),
      ...`-startdate ${dateText(from)} -enddate ${dateText(until)} -extfile ${extensions}`.split(' '),
      ...signer,
    );
    return made;
  }

  /** `NAME.pem`: what `issuer` has revoked, for `days` from now; negative: it has ended. */
  revoke(name: string, issuer: string, revoked: readonly string[], days = 30): string {
    const made = this.path(`${name}.pem`);
    const folder = this.path(`${name}.crl`);
    execFileSync('mkdir', [folder]);
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(
      join(folder, 'ca.conf'),
      `[ca]\ndefault_ca=x\n[x]\ndatabase=${folder}/index.txt\ndefault_md=sha256\n`,
    );
    const ca = [
      'ca',
      '-config',
      join(folder, 'ca.conf'),
      '-cert',
      this.path(`${issuer}.pem`),
      '-keyfile',
      this.path(`${issuer}.key`),
    ];
    for (const one of revoked) this.openssl(...ca, '-revoke', this.path(`${one}.pem`));
    this.openssl(...ca, '-gencrl', '-crl_lastupdate', dateText(-60), '-crl_nextupdate', dateText(days), '-out', made);
    return made;
  }

  /** `NAME.ocsp`: what its issuer says of it, DER, from now on for so many days. */
  respond(name: string, issuer: string, days: number, state: 'V' | 'R' = 'V'): string {
    const [request, response] = [this.path(`${name}.req`), this.path(`${name}.ocsp`)];
    const index = this.path(`${name}.ca/index.txt`);
    if (state === 'R') {
      const revoked = readFileSync(index, 'latin1').replace(/^V\t([0-9]+Z)\t/, 'R\t$1\t260101000000Z');
      writeFileSync(index, revoked);
    }
    const [authority, key] = [this.path(`${issuer}.pem`), this.path(`${issuer}.key`)];
    this.openssl(
      ...`ocsp -issuer ${authority} -cert ${this.path(`${name}.pem`)} -reqout ${request} -no_nonce`.split(' '),
    );
    this.openssl(
      ...`ocsp -index ${index} -CA ${authority} -rsigner ${authority} -rkey ${key} -reqin ${request}`.split(' '),
      ...`-respout ${response}.next -ndays ${days}`.split(' '),
    );
    renameSync(`${response}.next`, response);
    return response;
  }

  /** A file of several that were made before, one behind the other. */
  join(name: string, ...files: readonly string[]): string {
    const path = this.path(name);
    writeFileSync(path, files.map((file) => readFileSync(this.path(file), 'latin1')).join(''), { mode: 0o600 });
    return path;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** As `20261129185500Z`. */
function dateText(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '');
}

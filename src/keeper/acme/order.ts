/** One order, from its beginning to the certificate (RFC 8555 section 7.4). */
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcmeChallenge } from '../../config/plan/acme.ts';
import { describeProblem, parseRetryAfter } from '../../core/acme/failure.ts';
import { requestBody, signed } from '../../wire/x509/certificates.ts';
import {
  type AcmeClient,
  AcmeError,
  type Answer,
  type Body,
  locationOf,
  parseBody,
  refused,
  unreachable,
} from './acme-client.ts';
import { certificatesIn } from './acme-files.ts';

/** What the authority will look for. */
export interface Proof {
  /** One of the order's, without the `*.` of a wildcard. */
  readonly name: string;
  readonly token: string;
  /** What is answered with, or its digest. */
  readonly authorization: string;
}

export interface OrderOptions {
  readonly client: AcmeClient;
  readonly names: readonly string[];
  readonly challenge: AcmeChallenge;
  /** By its ARI identifier, the certificate that this one takes the place of. Null: none. */
  readonly replaces: string | null;
  /** Makes them to be found. Resolves when they are. */
  readonly present: (proofs: readonly Proof[]) => Promise<void>;
  /** They are not looked for any more. Called however `present` ended. */
  readonly withdraw: (proofs: readonly Proof[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** PEM. */
export interface Obtained {
  readonly key: string;
  readonly chain: string;
}

const POLL_MS = 1_000;
const POLL_MS_MAX = 30_000;
/** For the authority to look, and again to sign. */
const POLL_WITHIN_MS = 5 * 60_000;

/** Throws AcmeError. */
export async function obtain(options: OrderOptions): Promise<Obtained> {
  return new Order(options).run();
}

class Order {
  private readonly options: OrderOptions;
  private readonly client: AcmeClient;

  constructor(options: OrderOptions) {
    this.options = options;
    this.client = options.client;
  }

  async run(): Promise<Obtained> {
    const made = await this.begin();
    const url = locationOf(made);
    const order = parseBody(made);
    await this.prove(textsOf(order, 'authorizations'));
    const ready = await this.poll(url, (status) => status !== 'pending');
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const body = requestBody(this.options.names, keys.publicKey.export({ type: 'spki', format: 'der' }));
    const csr = Buffer.from(signed(body, sign('sha256', body, keys.privateKey))).toString('base64url');
    await this.client.post(textOf(ready, 'finalize'), { csr });
    const done = await this.poll(url, (status) => status === 'valid' || status === 'invalid');
    const { text } = await this.client.post(textOf(done, 'certificate'), null);
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { key, chain: this.checkChain(text, key) };
  }

  private async begin(): Promise<Answer> {
    const { names, replaces } = this.options;
    const { newOrder, renewalInfo } = await this.client.directory();
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    if (replaces !== null && renewalInfo !== null) {
      try {
        return await this.client.post(newOrder, { identifiers, replaces });
      } catch (error) {
        // RFC 9773 section 5: another order has replaced it, or it is not this account's.
        if (!(error instanceof AcmeError) || error.failure.kind !== 'refused') throw error;
      }
    }
    return this.client.post(newOrder, { identifiers });
  }

  private async prove(urls: readonly string[]): Promise<void> {
    const { length } = this.options.names;
    if (urls.length > length) throw refused(`the authority wants ${urls.length} proofs, and ${length} would do`);
    const waiting: { readonly url: string; readonly challenge: string; readonly proof: Proof }[] = [];
    for (const url of urls) {
      const authorization = parseBody(await this.client.post(url, null));
      if (authorization['status'] === 'valid') continue;
      waiting.push({ url, ...this.choose(authorization) });
    }
    if (waiting.length === 0) return;
    const proofs = waiting.map(({ proof }) => proof);
    try {
      await this.options.present(proofs);
      for (const { challenge } of waiting) await this.client.post(challenge, {});
      for (const { url } of waiting) await this.poll(url, (status) => status !== 'pending');
    } finally {
      await this.options.withdraw(proofs);
    }
  }

  private choose(authorization: Body): { readonly challenge: string; readonly proof: Proof } {
    const { challenge: wanted, names } = this.options;
    const identifier = authorization['identifier'] as Body | null | undefined;
    const value = textOf(identifier ?? {}, 'value');
    const name = withoutWildcard(value.toLowerCase());
    // It goes to the operator's program, so it is ours and not the authority's (RFC 8555 section 7.1.4).
    if (!names.some((one) => withoutWildcard(one) === name)) {
      throw refused(`the authority wants a proof for ${value}, which was not ordered`);
    }
    const challenges = Array.isArray(authorization['challenges'])
      ? (authorization['challenges'] as readonly Body[])
      : [];
    const found = challenges.find(({ type }) => type === wanted);
    if (found === undefined) {
      const types = challenges.map(({ type }) => String(type)).join(', ');
      throw refused(`the authority does not prove ${name} by ${wanted}, but by ${types}`);
    }
    const token = textOf(found, 'token');
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(token)) throw refused('the authority gives a token that is none');
    const proof = { name, token, authorization: this.client.key.authorize(token) };
    return { challenge: textOf(found, 'url'), proof };
  }

  /** Asks until its status is one of an end. Throws what is wrong with it if that is `invalid`. */
  private async poll(url: string, isOver: (status: string) => boolean): Promise<Body> {
    const { signal } = this.options;
    const endMs = performance.now() + POLL_WITHIN_MS;
    for (;;) {
      const answer = await this.client.post(url, null);
      const body = parseBody(answer);
      const status = textOf(body, 'status');
      if (['invalid', 'deactivated', 'expired', 'revoked'].includes(status)) throw refused(whyInvalid(body, status));
      if (isOver(status)) return body;
      if (performance.now() > endMs)
        throw unreachable(`the authority does not come to an end: its order is still ${status}`);
      const wishMs = parseRetryAfter(answer.headers['retry-after'] ?? null, Date.now()) ?? POLL_MS;
      await sleep(Math.min(Math.max(wishMs, POLL_MS), POLL_MS_MAX), undefined, { signal });
    }
  }

  /** The certificates in it, if the first one is what was asked for. */
  private checkChain(text: string, key: string): string {
    const chain = certificatesIn(text);
    if (chain.length === 0) throw refused('the authority gives no certificate');
    try {
      const leaf = new X509Certificate(chain[0]);
      if (!leaf.checkPrivateKey(createPrivateKey(key)))
        throw refused('the authority gives the certificate of another key');
      const missing = this.options.names.filter((name) => !coversName(leaf, name));
      if (missing.length > 0) throw refused(`the certificate is not for ${missing.join(', ')}`);
    } catch (error) {
      throw error instanceof AcmeError ? error : refused('the authority gives a certificate that cannot be read');
    }
    return `${chain.join('\n')}\n`;
  }
}

/** It has this very name. */
export function coversName({ subjectAltName }: X509Certificate, name: string): boolean {
  return (subjectAltName ?? '').toLowerCase().split(', ').includes(`dns:${name}`);
}

function withoutWildcard(name: string): string {
  return name.replace(/^\*\./, '');
}

/** What the challenges of an authorization say, or the order itself. */
function whyInvalid(body: Body, status: string): string {
  const challenges = Array.isArray(body['challenges']) ? (body['challenges'] as readonly Body[]) : [];
  const said = [body, ...challenges].map(({ error }) => describeProblem(error)).filter((text) => text !== '');
  const identifier = body['identifier'] as Body | undefined;
  const name = typeof identifier?.['value'] === 'string' ? `${identifier['value']}: ` : '';
  return `${name}${said.length === 0 ? `it is ${status}` : said.join('; ')}`;
}

function textOf(body: Body, key: string): string {
  const value = body[key];
  if (typeof value === 'string') return value;
  throw refused(`the authority says nothing of ${key}`);
}

function textsOf(body: Body, key: string): readonly string[] {
  const value = body[key];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw refused(`the authority says nothing of ${key}`);
}

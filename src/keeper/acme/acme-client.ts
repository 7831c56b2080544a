/**
 * Requests to one certificate authority (RFC 8555): its directory, nonces, the account, signed requests. An answer is JSON or text of a bounded
 * length, and comes in a bounded time; whatever else comes is an AcmeError.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { systemReason } from '../../base/system-error.ts';
import { type AcmeFailure, parseFailure, printable } from '../../core/acme/failure.ts';
import type { AccountKey, ExternalBinding } from './account-key.ts';

export class AcmeError extends Error {
  override readonly name = 'AcmeError';
  readonly failure: AcmeFailure;

  constructor(failure: AcmeFailure) {
    super(failure.text);
    this.failure = failure;
  }
}

export interface AcmeClientOptions {
  /** Its URL. */
  readonly directory: string;
  /** PEM of those who may have issued its certificate. Null: whom Node trusts. */
  readonly ca: string | null;
  /** Read, or made, when something is to be signed. */
  readonly key: () => AccountKey;
  readonly email: string | null;
  readonly binding: ExternalBinding | null;
  /** `evenkeel/0.1.0` */
  readonly userAgent: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An object, as far as it is one. */
export type Body = Readonly<Record<string, unknown>>;

interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** Null: it has none. */
  readonly renewalInfo: string | null;
}

const REQUEST_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** A server may have forgotten nonces, and has given a new one with its refusal. */
const NONCE_TRIES_MAX = 10;

export class AcmeClient {
  private readonly options: AcmeClientOptions;
  private known: Directory | null = null;
  private account: string | null = null;
  private nonce: string | null = null;
  private accountKey: AccountKey | null = null;

  constructor(options: AcmeClientOptions) {
    this.options = options;
  }

  get key(): AccountKey {
    return (this.accountKey ??= this.options.key());
  }

  /** The server's resources. Reads them once. */
  async directory(): Promise<Directory> {
    if (this.known !== null) return this.known;
    const body = parseBody(await this.get(this.options.directory));
    const url = (name: string): string => {
      const value = body[name];
      if (typeof value === 'string' && value.startsWith('https://')) return value;
      throw refused(`${this.options.directory} is no directory of ACME: it has no ${name}`);
    };
    const renewalInfo = body['renewalInfo'];
    this.known = {
      newNonce: url('newNonce'),
      newAccount: url('newAccount'),
      newOrder: url('newOrder'),
      renewalInfo: typeof renewalInfo === 'string' ? renewalInfo : null,
    };
    return this.known;
  }

  /** Signed by the account, which is made or found first. `payload` null: POST as GET. */
  async post(url: string, payload: object | null): Promise<Answer> {
    this.account ??= await this.findAccount();
    return this.postAs(this.account, url, payload);
  }

  async get(url: string): Promise<Answer> {
    return this.checked(await this.request('GET', url, null));
  }

  /** RFC 8555 section 7.3: asks for one with this key, and gets that which there is. */
  private async findAccount(): Promise<string> {
    const { newAccount } = await this.directory();
    const { email, binding } = this.options;
    const answer = await this.postAs(null, newAccount, {
      termsOfServiceAgreed: true,
      ...(email === null ? {} : { contact: [`mailto:${email}`] }),
      ...(binding === null ? {} : { externalAccountBinding: this.key.bind(newAccount, binding) }),
    });
    return locationOf(answer);
  }

  private async postAs(account: string | null, url: string, payload: object | null): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      const nonce = this.nonce ?? (await this.fetchNonce());
      this.nonce = null;
      const answer = await this.request('POST', url, this.key.sign(url, nonce, account, payload));
      try {
        return this.checked(answer);
      } catch (error) {
        const isNonce = error instanceof AcmeError && error.failure.type === 'badNonce';
        if (!isNonce || tries === NONCE_TRIES_MAX) throw error;
      }
    }
  }

  private async fetchNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    this.checked(await this.request('HEAD', newNonce, null));
    const { nonce } = this;
    if (nonce === null) throw refused('the authority gives no nonce');
    return nonce;
  }

  private checked(answer: Answer): Answer {
    if (answer.status >= 200 && answer.status < 300) return answer;
    const retryAfter = answer.headers['retry-after'] ?? null;
    const failure = parseFailure(answer.status, jsonOf(answer.text), retryAfter, Date.now());
    // It knows nothing of us any more.
    if (failure.type === 'accountDoesNotExist') this.account = null;
    throw new AcmeError(failure);
  }

  private async request(method: string, url: string, body: string | null): Promise<Answer> {
    const { ca, userAgent, signal } = this.options;
    if (!url.startsWith('https://')) throw refused(`the authority names ${printable(url)}, which is not https`);
    const { request } = await import('node:https');
    const answer = await new Promise<Answer>((resolve, reject) => {
      const fail = (error: unknown): void => reject(unreachable(this.troubleText(url, error)));
      const within = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]);
      const headers = {
        'User-Agent': userAgent,
        ...(body === null
          ? {}
          : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(body) }),
      };
      const asked = request(url, {
        method,
        headers,
        agent: false,
        signal: within,
        ...(ca === null ? {} : { ca }),
      });
      asked.on('error', fail);
      asked.on('response', (response) => void readAnswer(response).then(resolve, fail));
      asked.end(body ?? undefined);
    });
    const nonce = answer.headers['replay-nonce'];
    if (typeof nonce === 'string' && /^[A-Za-z0-9_-]{1,1024}$/.test(nonce)) this.nonce = nonce;
    return answer;
  }

  /** Whoever tells of it names the host of the directory. */
  private troubleText(url: string, error: unknown): string {
    const { directory, ca } = this.options;
    const { host } = new URL(url);
    const place = host === new URL(directory).host ? '' : `${host}: `;
    const remedy = !UNTRUSTED.has((error as NodeJS.ErrnoException).code)
      ? ''
      : ca === null
        ? '; name in `ca` who has issued its certificate'
        : '; nobody in `ca` has issued its certificate';
    return `${place}${systemReason(error)}${remedy}`;
  }
}

/** OpenSSL's names for a certificate of which it is not known who has issued it. */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The URL of what was made. */
export function locationOf({ headers }: Answer): string {
  const { location } = headers;
  if (location === undefined) throw refused('the authority does not say where what was asked for is');
  return location;
}

export function parseBody({ text }: Answer): Body {
  const body = jsonOf(text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  throw refused('the authority answers with something else than a JSON object');
}

export function refused(text: string): AcmeError {
  return new AcmeError({ kind: 'refused', text: printable(text), type: '', retryAfterMs: null });
}

export function unreachable(text: string): AcmeError {
  return new AcmeError({ kind: 'trouble', text: printable(text), type: '', retryAfterMs: null });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() };
}

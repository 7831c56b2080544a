/** The key of an account with a certificate authority, and what is signed with it: JSON Web Signatures (RFC 7515) as ACME wants them (RFC 8555 section 6.2). */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';

export interface ExternalBinding {
  readonly keyId: string;
  readonly key: Buffer;
}

export class AccountKey {
  /** Of the public key (RFC 7638). */
  readonly thumbprint: string;
  private readonly key: KeyObject;
  private readonly jwk: Readonly<Record<string, unknown>>;

  static create(): AccountKey {
    return new AccountKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  }

  /** Throws if it is no such key. */
  static parse(pem: string): AccountKey {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('it is no key of ECDSA P-256');
    return new AccountKey(key);
  }

  private constructor(key: KeyObject) {
    this.key = key;
    const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
    this.jwk = { kty, crv, x, y };
    // The members of its hash are in the order of their names.
    this.thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  }

  toPem(): string {
    return this.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** `account`: its URL; null: there is none yet, and the key itself is sent. `payload` null: nothing (POST as GET). */
  sign(url: string, nonce: string, account: string | null, payload: object | null): string {
    const who = account === null ? { jwk: this.jwk } : { kid: account };
    const head = encode({ alg: 'ES256', nonce, url, ...who });
    const body = payload === null ? '' : encode(payload);
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: this.key, dsaEncoding: 'ieee-p1363' });
    return JSON.stringify({ protected: head, payload: body, signature: signature.toString('base64url') });
  }

  /** This key, signed by one that the authority has given to a customer (RFC 8555 section 7.3.4). */
  bind(url: string, { keyId, key }: ExternalBinding): object {
    const head = encode({ alg: 'HS256', kid: keyId, url });
    const body = encode(this.jwk);
    const signature = createHmac('sha256', key).update(`${head}.${body}`).digest('base64url');
    return { protected: head, payload: body, signature };
  }

  /** What proves that an answer to a challenge is this account's (RFC 8555 section 8.1). */
  authorize(token: string): string {
    return `${token}.${this.thumbprint}`;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The keys that the sessions of a context are put into tickets with, and what OpenSSL asks for them. */
import { assert } from '../../base/assert.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';

const NAME_BYTES = 16;
const LONG_BYTES = 80;
const SHORT_BYTES = 48;
/** V8 moves what is much smaller, and leaves a copy of a key where it was. */
const UNMOVED_BYTES_MIN = 256;

/** Addresses of one key. */
interface TicketKey {
  readonly name: number;
  readonly aes: number;
  readonly isLong: boolean;
  /** What EVP_MAC_CTX_set_params gets, with the key for HMAC. */
  readonly parameters: number;
}

const OSSL_PARAM_UTF8_STRING = 4n;
const OSSL_PARAM_OCTET_STRING = 5n;
/** Of OSSL_PARAM (openssl/core.h): name, type, data, size, what is returned. */
const PARAMETER_WORDS = 5;
/** The digest, the key, and an end. */
const PARAMETERS_WORDS = 3 * PARAMETER_WORDS;
const texts = new TextEncoder().encode('key\0digest\0SHA256\0');

export class TicketKeyring {
  private bytes = new Uint8Array(UNMOVED_BYTES_MIN);
  private keys: readonly TicketKey[] = [];
  /** Of all keys. It has addresses alone. */
  private parameters = new BigUint64Array(0);

  get count(): number {
    return this.keys.length;
  }

  at(index: number): TicketKey {
    return this.keys[index];
  }

  /** Overwrites those before. */
  set(keys: readonly Uint8Array[]): void {
    this.bytes.fill(0);
    const length = keys.reduce((sum, key) => sum + key.length, 0);
    if (length > this.bytes.length) this.bytes = new Uint8Array(length);
    this.parameters = new BigUint64Array(Math.max(keys.length * PARAMETERS_WORDS, UNMOVED_BYTES_MIN));
    let at = 0;
    this.keys = keys.map((key, i) => {
      this.bytes.set(key, at);
      at += key.length;
      return this.place(addressOf(this.bytes) + at - key.length, key.length, i * PARAMETERS_WORDS);
    });
  }

  private place(name: number, length: number, word: number): TicketKey {
    assert(length === LONG_BYTES || length === SHORT_BYTES, 'a ticket key has 80 or 48 bytes');
    const isLong = length === LONG_BYTES;
    const hmac = name + NAME_BYTES + (isLong ? 0 : 16);
    const text = BigInt(addressOf(texts));
    this.parameters.set([text + 4n, OSSL_PARAM_UTF8_STRING, text + 11n, 6n, 0n], word);
    const hmacBytes = isLong ? 32n : 16n;
    this.parameters.set([text, OSSL_PARAM_OCTET_STRING, BigInt(hmac), hmacBytes, 0n], word + PARAMETER_WORDS);
    const parameters = addressOf(this.parameters) + word * 8;
    return { name, aes: name + NAME_BYTES + (isLong ? 32 : 0), isLong, parameters };
  }

  /** The index of the key with this name; -1: it is not known. */
  find(name: Uint8Array): number {
    const first = addressOf(this.bytes);
    return this.keys.findIndex((key) => {
      const at = key.name - first;
      let i = 0;
      while (i < NAME_BYTES && this.bytes[at + i] === name[i]) i++;
      return i === NAME_BYTES;
    });
  }
}

const IV_BYTES = 16;
/** What a callback says (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)). */
const NOT_KNOWN = 0;
const USED = 1;
const RENEW = 2;
const FAILED = -1;

export class TicketCipher {
  private readonly library: Library;
  private readonly aes128: number;
  private readonly aes256: number;
  private readonly name = new Uint8Array(UNMOVED_BYTES_MIN);
  private readonly nameAt = addressOf(this.name);

  constructor(library: Library) {
    this.library = library;
    this.aes128 = library.EVP_aes_128_cbc();
    this.aes256 = library.EVP_aes_256_cbc();
  }

  /** A ticket is made: its name and initialization vector are written. */
  seal(keyring: TicketKeyring, name: number, iv: number, cipher: number, mac: number): number {
    const { library } = this;
    if (keyring.count === 0) return NOT_KNOWN;
    const key = keyring.at(0);
    library.memcpy(name, key.name, NAME_BYTES);
    if (library.RAND_bytes(iv, IV_BYTES) !== 1) return FAILED;
    const isSet = library.EVP_EncryptInit_ex(cipher, this.typeOf(key), 0, key.aes, iv) === 1;
    return isSet && library.EVP_MAC_CTX_set_params(mac, key.parameters) === 1 ? USED : FAILED;
  }

  /** `isRenewed`: the client gets another ticket in any case; else where this one is of a former key. */
  open(keyring: TicketKeyring, name: number, iv: number, cipher: number, mac: number, isRenewed: boolean): number {
    const { library } = this;
    library.memcpy(this.nameAt, name, NAME_BYTES);
    const index = keyring.find(this.name);
    if (index < 0) return NOT_KNOWN;
    const key = keyring.at(index);
    const isSet = library.EVP_DecryptInit_ex(cipher, this.typeOf(key), 0, key.aes, iv) === 1;
    if (!isSet || library.EVP_MAC_CTX_set_params(mac, key.parameters) !== 1) return FAILED;
    return index === 0 && !isRenewed ? USED : RENEW;
  }

  private typeOf({ isLong }: TicketKey): number {
    return isLong ? this.aes256 : this.aes128;
  }
}

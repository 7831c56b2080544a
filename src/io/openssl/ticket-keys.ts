/** The keys that the sessions of a context are put into tickets with, and what OpenSSL asks for them. */
import { assert } from '../../base/assert.ts';
import { addressOf, type Library } from './library.ts';

export const NAME_BYTES = 16;
const LONG_BYTES = 80;
const SHORT_BYTES = 48;
/** V8 moves what is smaller, and leaves a copy of a key where it was. */
const UNMOVED_BYTES_MIN = 256;

interface KeyPlace {
  /** Of `bytes`. */
  readonly at: number;
  readonly isLong: boolean;
}

export class TicketKeyring {
  private bytes = new Uint8Array(UNMOVED_BYTES_MIN);
  private base = addressOf(this.bytes);
  private places: readonly KeyPlace[] = [];

  get count(): number {
    return this.places.length;
  }

  /** Overwrites those before. */
  set(keys: readonly Uint8Array[]): void {
    this.bytes.fill(0);
    const length = keys.reduce((sum, key) => sum + key.length, 0);
    if (length > this.bytes.length) {
      this.bytes = new Uint8Array(length);
      this.base = addressOf(this.bytes);
    }
    let at = 0;
    this.places = keys.map((key) => {
      assert(key.length === LONG_BYTES || key.length === SHORT_BYTES, 'a ticket key has 80 or 48 bytes');
      this.bytes.set(key, at);
      at += key.length;
      return { at: at - key.length, isLong: key.length === LONG_BYTES };
    });
  }

  /** The index of the key with this name; -1: it is not known. */
  find(name: Uint8Array): number {
    return this.places.findIndex(({ at }) => {
      let i = 0;
      while (i < NAME_BYTES && this.bytes[at + i] === name[i]) i++;
      return i === NAME_BYTES;
    });
  }

  nameOf(index: number): number {
    return this.base + this.places[index].at;
  }

  isLong(index: number): boolean {
    return this.places[index].isLong;
  }

  aesOf(index: number): number {
    const { at, isLong } = this.places[index];
    return this.base + at + (isLong ? NAME_BYTES + 32 : NAME_BYTES);
  }

  hmacOf(index: number): number {
    const { at, isLong } = this.places[index];
    return this.base + at + (isLong ? NAME_BYTES : NAME_BYTES + 16);
  }
}

const OSSL_PARAM_UTF8_STRING = 4n;
const OSSL_PARAM_OCTET_STRING = 5n;
/** Of OSSL_PARAM (openssl/core.h): name, type, data, size, what is returned. */
const PARAMETER_WORDS = 5;

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
  private readonly name = new Uint8Array(NAME_BYTES);
  private readonly texts = new TextEncoder().encode('key\0digest\0SHA256\0');
  /** The digest, the key, and an end. */
  private readonly parameters = new BigUint64Array(3 * PARAMETER_WORDS);

  constructor(library: Library) {
    this.library = library;
    this.aes128 = library.EVP_aes_128_cbc();
    this.aes256 = library.EVP_aes_256_cbc();
    const texts = BigInt(addressOf(this.texts));
    this.parameters.set([texts + 4n, OSSL_PARAM_UTF8_STRING, texts + 11n, 6n, 0n]);
    this.parameters.set([texts, OSSL_PARAM_OCTET_STRING, 0n, 0n, 0n], PARAMETER_WORDS);
  }

  /** A ticket is made: its name and initialization vector are written. */
  seal(keyring: TicketKeyring, name: number, iv: number, cipher: number, mac: number): number {
    const { library } = this;
    if (keyring.count === 0) return NOT_KNOWN;
    library.memcpy(name, keyring.nameOf(0), NAME_BYTES);
    if (library.RAND_bytes(iv, IV_BYTES) !== 1) return FAILED;
    const type = keyring.isLong(0) ? this.aes256 : this.aes128;
    const isSet = library.EVP_EncryptInit_ex(cipher, type, 0, keyring.aesOf(0), iv) === 1;
    return isSet && this.setMac(keyring, 0, mac) ? USED : FAILED;
  }

  open(keyring: TicketKeyring, name: number, iv: number, cipher: number, mac: number): number {
    const { library } = this;
    library.memcpy(addressOf(this.name), name, NAME_BYTES);
    const index = keyring.find(this.name);
    if (index < 0) return NOT_KNOWN;
    const type = keyring.isLong(index) ? this.aes256 : this.aes128;
    const isSet = library.EVP_DecryptInit_ex(cipher, type, 0, keyring.aesOf(index), iv) === 1;
    if (!isSet || !this.setMac(keyring, index, mac)) return FAILED;
    return index === 0 ? USED : RENEW;
  }

  private setMac(keyring: TicketKeyring, index: number, mac: number): boolean {
    const { parameters } = this;
    parameters[PARAMETER_WORDS + 2] = BigInt(keyring.hmacOf(index));
    parameters[PARAMETER_WORDS + 3] = keyring.isLong(index) ? 32n : 16n;
    return this.library.EVP_MAC_CTX_set_params(mac, addressOf(parameters)) === 1;
  }
}

/**
 * OpenSSL as Node has it inside, or is linked to, through koffi. Nothing else in this folder touches native code. Addresses are plain
 * numbers: user space ends far below 2^53.
 */
import koffi from 'koffi';
import { TlsRefusal } from '../../port/tls.ts';

const PROTOTYPES = {
  TLS_server_method: 'uintptr_t TLS_server_method()',
  SSL_CTX_new: 'uintptr_t SSL_CTX_new(uintptr_t method)',
  SSL_CTX_free: 'void SSL_CTX_free(uintptr_t context)',
  SSL_CTX_ctrl: 'long SSL_CTX_ctrl(uintptr_t context, int command, long number, void *pointer)',
  SSL_CTX_set_options: 'uint64_t SSL_CTX_set_options(uintptr_t context, uint64_t options)',
  SSL_CTX_set_cipher_list: 'int SSL_CTX_set_cipher_list(uintptr_t context, const char *ciphers)',
  SSL_CTX_set_ciphersuites: 'int SSL_CTX_set_ciphersuites(uintptr_t context, const char *suites)',
  SSL_CTX_set_num_tickets: 'int SSL_CTX_set_num_tickets(uintptr_t context, size_t count)',
  SSL_CTX_set_session_id_context:
    'int SSL_CTX_set_session_id_context(uintptr_t context, const void *id, uint32_t length)',
  SSL_CTX_set_alpn_select_cb:
    'void SSL_CTX_set_alpn_select_cb(uintptr_t context, uintptr_t callback, uintptr_t argument)',
  SSL_CTX_callback_ctrl: 'long SSL_CTX_callback_ctrl(uintptr_t context, int command, uintptr_t callback)',
  SSL_CTX_use_cert_and_key:
    'int SSL_CTX_use_cert_and_key(uintptr_t context, uintptr_t certificate, uintptr_t key, uintptr_t chain, int override)',
  d2i_X509: 'uintptr_t d2i_X509(void *into, void *at, long length)',
  d2i_AutoPrivateKey: 'uintptr_t d2i_AutoPrivateKey(void *into, void *at, long length)',
  X509_free: 'void X509_free(uintptr_t certificate)',
  EVP_PKEY_free: 'void EVP_PKEY_free(uintptr_t key)',
  OPENSSL_sk_new_null: 'uintptr_t OPENSSL_sk_new_null()',
  OPENSSL_sk_push: 'int OPENSSL_sk_push(uintptr_t stack, uintptr_t element)',
  OPENSSL_sk_free: 'void OPENSSL_sk_free(uintptr_t stack)',
  BIO_new: 'uintptr_t BIO_new(uintptr_t method)',
  BIO_s_mem: 'uintptr_t BIO_s_mem()',
  BIO_new_mem_buf: 'uintptr_t BIO_new_mem_buf(uintptr_t bytes, int length)',
  BIO_ctrl: 'long BIO_ctrl(uintptr_t bio, int command, long number, void *pointer)',
  BIO_up_ref: 'int BIO_up_ref(uintptr_t bio)',
  BIO_read: 'int BIO_read(uintptr_t bio, uintptr_t into, int room)',
  SSL_new: 'uintptr_t SSL_new(uintptr_t context)',
  SSL_free: 'void SSL_free(uintptr_t ssl)',
  SSL_set_bio: 'void SSL_set_bio(uintptr_t ssl, uintptr_t input, uintptr_t output)',
  SSL_set_accept_state: 'void SSL_set_accept_state(uintptr_t ssl)',
  SSL_set_SSL_CTX: 'uintptr_t SSL_set_SSL_CTX(uintptr_t ssl, uintptr_t context)',
  SSL_set_info_callback: 'void SSL_set_info_callback(uintptr_t ssl, uintptr_t callback)',
  SSL_get_servername: 'const char *SSL_get_servername(uintptr_t ssl, int type)',
  SSL_do_handshake: 'int SSL_do_handshake(uintptr_t ssl)',
  SSL_read: 'int SSL_read(uintptr_t ssl, uintptr_t into, int room)',
  SSL_write: 'int SSL_write(uintptr_t ssl, uintptr_t bytes, int length)',
  SSL_shutdown: 'int SSL_shutdown(uintptr_t ssl)',
  SSL_get_shutdown: 'int SSL_get_shutdown(uintptr_t ssl)',
  SSL_want: 'int SSL_want(uintptr_t ssl)',
  SSL_get_version: 'const char *SSL_get_version(uintptr_t ssl)',
  SSL_get_current_cipher: 'uintptr_t SSL_get_current_cipher(uintptr_t ssl)',
  SSL_CIPHER_get_name: 'const char *SSL_CIPHER_get_name(uintptr_t cipher)',
  ERR_peek_error: 'unsigned long ERR_peek_error()',
  ERR_get_error: 'unsigned long ERR_get_error()',
  ERR_clear_error: 'void ERR_clear_error()',
  ERR_reason_error_string: 'const char *ERR_reason_error_string(unsigned long error)',
  memcpy: 'uintptr_t memcpy(uintptr_t into, uintptr_t from, size_t length)',
} as const;

type Name = keyof typeof PROTOTYPES;
type TextName = 'SSL_get_servername' | 'SSL_get_version' | 'SSL_CIPHER_get_name' | 'ERR_reason_error_string';
type Operand = string | number | Uint8Array | BigUint64Array | Uint32Array | null;

export type Library = {
  readonly [name in Name]: (...operands: Operand[]) => name extends TextName ? string | null : number;
};

/** Every function that is missing is named, not only the first. */
export class MissingOpenssl extends TlsRefusal {
  override readonly name = 'MissingOpenssl';
}

let loaded: Library | null = null;

/** Throws MissingOpenssl for a Node without OpenSSL, or with another library in its place. */
export function loadLibrary(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const library = koffi.load(null);
  const missing: string[] = [];
  const functions: Partial<Record<Name, unknown>> = {};
  for (const [name, prototype] of Object.entries(PROTOTYPES)) {
    try {
      functions[name as Name] = library.func(prototype);
    } catch {
      missing.push(name);
    }
  }
  if (missing.length > 0) throw new MissingOpenssl(`this Node has no ${missing.join(', ')}`);
  return functions as Library;
}

/** A function that OpenSSL can call while one of ours is being called. It must not throw. It lives as long as the process. */
export function registerCallback(prototype: string, callback: (...operands: never[]) => number | void): number {
  return Number(koffi.address(koffi.register(callback, koffi.pointer(koffi.proto(prototype)))));
}

/** Of the first byte. Memory of an ArrayBuffer of this size does not move. */
export function addressOf(bytes: Uint8Array | BigUint64Array | Uint32Array): number {
  return Number(koffi.address(bytes));
}

/** `length` bytes of somebody else's. */
export function wordsAt(address: number, length: number): Uint32Array {
  return new Uint32Array(koffi.view(BigInt(address), length * 4));
}

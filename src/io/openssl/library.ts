/**
 * OpenSSL as Node has it inside, or is linked to, through koffi. Nothing else in this folder touches native code. Addresses are plain
 * numbers: user space ends far below 2^53.
 */
import koffi from 'koffi';
import { TlsRefusal } from '../../port/tls.ts';

const PROTOTYPES = {
  TLS_server_method: 'uintptr_t TLS_server_method()',
  TLS_client_method: 'uintptr_t TLS_client_method()',
  SSL_CTX_new: 'uintptr_t SSL_CTX_new(uintptr_t method)',
  SSL_CTX_free: 'void SSL_CTX_free(uintptr_t context)',
  SSL_CTX_ctrl: 'long SSL_CTX_ctrl(uintptr_t context, int command, long number, void *pointer)',
  SSL_CTX_set_options: 'uint64_t SSL_CTX_set_options(uintptr_t context, uint64_t options)',
  SSL_CTX_clear_options: 'uint64_t SSL_CTX_clear_options(uintptr_t context, uint64_t options)',
  SSL_CTX_set_cipher_list: 'int SSL_CTX_set_cipher_list(uintptr_t context, const char *ciphers)',
  SSL_CTX_set_ciphersuites: 'int SSL_CTX_set_ciphersuites(uintptr_t context, const char *suites)',
  SSL_CTX_set_timeout: 'long SSL_CTX_set_timeout(uintptr_t context, long seconds)',
  SSL_CTX_set_num_tickets: 'int SSL_CTX_set_num_tickets(uintptr_t context, size_t count)',
  SSL_CTX_set_tlsext_ticket_key_evp_cb:
    'int SSL_CTX_set_tlsext_ticket_key_evp_cb(uintptr_t context, uintptr_t callback)',
  SSL_CTX_set_session_ticket_cb:
    'int SSL_CTX_set_session_ticket_cb(uintptr_t context, uintptr_t made, uintptr_t opened, uintptr_t argument)',
  SSL_CTX_set_session_id_context:
    'int SSL_CTX_set_session_id_context(uintptr_t context, const void *id, uint32_t length)',
  SSL_CTX_set_alpn_select_cb:
    'void SSL_CTX_set_alpn_select_cb(uintptr_t context, uintptr_t callback, uintptr_t argument)',
  SSL_CTX_callback_ctrl: 'long SSL_CTX_callback_ctrl(uintptr_t context, int command, uintptr_t callback)',
  SSL_CTX_use_cert_and_key:
    'int SSL_CTX_use_cert_and_key(uintptr_t context, uintptr_t certificate, uintptr_t key, uintptr_t chain, int override)',
  SSL_CTX_set_verify: 'void SSL_CTX_set_verify(uintptr_t context, int mode, uintptr_t callback)',
  SSL_CTX_set_verify_depth: 'void SSL_CTX_set_verify_depth(uintptr_t context, int depth)',
  SSL_CTX_get_cert_store: 'uintptr_t SSL_CTX_get_cert_store(uintptr_t context)',
  SSL_CTX_add_client_CA: 'int SSL_CTX_add_client_CA(uintptr_t context, uintptr_t certificate)',
  SSL_CTX_set_client_hello_cb:
    'void SSL_CTX_set_client_hello_cb(uintptr_t context, uintptr_t callback, uintptr_t argument)',
  SSL_CTX_set_alpn_protos: 'int SSL_CTX_set_alpn_protos(uintptr_t context, const void *list, uint32_t length)',
  SSL_get0_alpn_selected: 'void SSL_get0_alpn_selected(uintptr_t session, void *into, void *length)',
  SSL_CTX_sess_set_new_cb: 'void SSL_CTX_sess_set_new_cb(uintptr_t context, uintptr_t callback)',
  X509_VERIFY_PARAM_set1_host: 'int X509_VERIFY_PARAM_set1_host(uintptr_t parameters, const char *name, size_t length)',
  X509_VERIFY_PARAM_set1_ip_asc: 'int X509_VERIFY_PARAM_set1_ip_asc(uintptr_t parameters, const char *address)',
  X509_STORE_add_cert: 'int X509_STORE_add_cert(uintptr_t store, uintptr_t certificate)',
  X509_STORE_add_crl: 'int X509_STORE_add_crl(uintptr_t store, uintptr_t list)',
  X509_STORE_set_flags: 'int X509_STORE_set_flags(uintptr_t store, unsigned long flags)',
  d2i_X509_CRL: 'uintptr_t d2i_X509_CRL(void *into, void *at, long length)',
  X509_CRL_free: 'void X509_CRL_free(uintptr_t list)',
  X509_CRL_get_issuer: 'uintptr_t X509_CRL_get_issuer(uintptr_t list)',
  X509_CRL_get0_nextUpdate: 'uintptr_t X509_CRL_get0_nextUpdate(uintptr_t list)',
  X509_CRL_verify: 'int X509_CRL_verify(uintptr_t list, uintptr_t key)',
  X509_NAME_cmp: 'int X509_NAME_cmp(uintptr_t one, uintptr_t other)',
  X509_NAME_print_ex: 'int X509_NAME_print_ex(uintptr_t bio, uintptr_t name, int indent, unsigned long flags)',
  X509_NAME_oneline: 'uintptr_t X509_NAME_oneline(uintptr_t name, uintptr_t into, int room)',
  X509_get_subject_name: 'uintptr_t X509_get_subject_name(uintptr_t certificate)',
  X509_get_issuer_name: 'uintptr_t X509_get_issuer_name(uintptr_t certificate)',
  X509_get_serialNumber: 'uintptr_t X509_get_serialNumber(uintptr_t certificate)',
  X509_get0_pubkey: 'uintptr_t X509_get0_pubkey(uintptr_t certificate)',
  X509_get0_notBefore: 'uintptr_t X509_get0_notBefore(uintptr_t certificate)',
  X509_get0_notAfter: 'uintptr_t X509_get0_notAfter(uintptr_t certificate)',
  X509_cmp_time: 'int X509_cmp_time(uintptr_t time, void *unixTime)',
  X509_digest: 'int X509_digest(uintptr_t certificate, uintptr_t type, void *into, void *length)',
  X509_verify_cert_error_string: 'const char *X509_verify_cert_error_string(long error)',
  EVP_aes_128_cbc: 'uintptr_t EVP_aes_128_cbc()',
  EVP_aes_256_cbc: 'uintptr_t EVP_aes_256_cbc()',
  EVP_EncryptInit_ex:
    'int EVP_EncryptInit_ex(uintptr_t context, uintptr_t type, uintptr_t engine, uintptr_t key, uintptr_t iv)',
  EVP_DecryptInit_ex:
    'int EVP_DecryptInit_ex(uintptr_t context, uintptr_t type, uintptr_t engine, uintptr_t key, uintptr_t iv)',
  EVP_MAC_CTX_set_params: 'int EVP_MAC_CTX_set_params(uintptr_t context, uintptr_t parameters)',
  RAND_bytes: 'int RAND_bytes(uintptr_t into, int length)',
  EVP_sha1: 'uintptr_t EVP_sha1()',
  EVP_sha256: 'uintptr_t EVP_sha256()',
  PEM_write_bio_X509: 'int PEM_write_bio_X509(uintptr_t bio, uintptr_t certificate)',
  i2a_ASN1_INTEGER: 'int i2a_ASN1_INTEGER(uintptr_t bio, uintptr_t integer)',
  ASN1_TIME_print: 'int ASN1_TIME_print(uintptr_t bio, uintptr_t time)',
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
  BIO_free: 'int BIO_free(uintptr_t bio)',
  BIO_read: 'int BIO_read(uintptr_t bio, uintptr_t into, int room)',
  SSL_ctrl: 'long SSL_ctrl(uintptr_t ssl, int command, long number, uintptr_t pointer)',
  SSL_get_certificate: 'uintptr_t SSL_get_certificate(uintptr_t ssl)',
  CRYPTO_malloc: 'uintptr_t CRYPTO_malloc(size_t bytes, const char *file, int line)',
  SSL_new: 'uintptr_t SSL_new(uintptr_t context)',
  SSL_free: 'void SSL_free(uintptr_t ssl)',
  SSL_set_bio: 'void SSL_set_bio(uintptr_t ssl, uintptr_t input, uintptr_t output)',
  SSL_set_accept_state: 'void SSL_set_accept_state(uintptr_t ssl)',
  SSL_set_connect_state: 'void SSL_set_connect_state(uintptr_t ssl)',
  SSL_get0_param: 'uintptr_t SSL_get0_param(uintptr_t ssl)',
  SSL_set_session: 'int SSL_set_session(uintptr_t ssl, uintptr_t session)',
  SSL_SESSION_dup: 'uintptr_t SSL_SESSION_dup(uintptr_t session)',
  SSL_SESSION_free: 'void SSL_SESSION_free(uintptr_t session)',
  SSL_set_SSL_CTX: 'uintptr_t SSL_set_SSL_CTX(uintptr_t ssl, uintptr_t context)',
  SSL_set_info_callback: 'void SSL_set_info_callback(uintptr_t ssl, uintptr_t callback)',
  SSL_get_servername: 'const char *SSL_get_servername(uintptr_t ssl, int type)',
  SSL_CTX_sess_set_get_cb: 'void SSL_CTX_sess_set_get_cb(uintptr_t context, uintptr_t callback)',
  SSL_CTX_sess_set_remove_cb: 'void SSL_CTX_sess_set_remove_cb(uintptr_t context, uintptr_t callback)',
  SSL_SESSION_get_id: 'uintptr_t SSL_SESSION_get_id(uintptr_t session, void *length)',
  SSL_SESSION_get0_peer: 'uintptr_t SSL_SESSION_get0_peer(uintptr_t session)',
  i2d_SSL_SESSION: 'int i2d_SSL_SESSION(uintptr_t session, void *at)',
  d2i_SSL_SESSION: 'uintptr_t d2i_SSL_SESSION(void *into, void *at, long length)',
  SSL_set_verify: 'void SSL_set_verify(uintptr_t ssl, int mode, uintptr_t callback)',
  SSL_set_verify_depth: 'void SSL_set_verify_depth(uintptr_t ssl, int depth)',
  SSL_client_hello_get0_ext:
    'int SSL_client_hello_get0_ext(uintptr_t ssl, unsigned int type, uintptr_t at, uintptr_t length)',
  SSL_get1_peer_certificate: 'uintptr_t SSL_get1_peer_certificate(uintptr_t ssl)',
  SSL_get_verify_result: 'long SSL_get_verify_result(uintptr_t ssl)',
  SSL_session_reused: 'int SSL_session_reused(uintptr_t ssl)',
  SSL_get_finished: 'uintptr_t SSL_get_finished(uintptr_t ssl, uintptr_t into, uintptr_t room)',
  SSL_do_handshake: 'int SSL_do_handshake(uintptr_t ssl)',
  SSL_read: 'int SSL_read(uintptr_t ssl, uintptr_t into, int room)',
  SSL_write: 'int SSL_write(uintptr_t ssl, uintptr_t bytes, int length)',
  SSL_shutdown: 'int SSL_shutdown(uintptr_t ssl)',
  SSL_get_shutdown: 'int SSL_get_shutdown(uintptr_t ssl)',
  SSL_want: 'int SSL_want(uintptr_t ssl)',
  SSL_get_version: 'const char *SSL_get_version(uintptr_t ssl)',
  SSL_get_session: 'uintptr_t SSL_get_session(uintptr_t ssl)',
  SSL_group_to_name: 'const char *SSL_group_to_name(uintptr_t ssl, int group)',
  OBJ_nid2sn: 'const char *OBJ_nid2sn(int nid)',
  SSL_get_current_cipher: 'uintptr_t SSL_get_current_cipher(uintptr_t ssl)',
  SSL_CIPHER_find: 'uintptr_t SSL_CIPHER_find(uintptr_t ssl, uintptr_t id)',
  SSL_CIPHER_get_name: 'const char *SSL_CIPHER_get_name(uintptr_t cipher)',
  ERR_peek_error: 'unsigned long ERR_peek_error()',
  ERR_get_error: 'unsigned long ERR_get_error()',
  ERR_clear_error: 'void ERR_clear_error()',
  ERR_reason_error_string: 'const char *ERR_reason_error_string(unsigned long error)',
  memcpy: 'uintptr_t memcpy(uintptr_t into, uintptr_t from, size_t length)',
} as const;

type Name = keyof typeof PROTOTYPES;
type TextName =
  | 'X509_verify_cert_error_string'
  | 'SSL_get_servername'
  | 'SSL_get_version'
  | 'SSL_CIPHER_get_name'
  | 'SSL_group_to_name'
  | 'OBJ_nid2sn'
  | 'ERR_reason_error_string';
type Operand = string | number | Uint8Array | BigUint64Array | BigInt64Array | Uint32Array | null;

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

/** `length` bytes of somebody else's. */
export function wordsAt(address: number, length: number): Uint32Array {
  return new Uint32Array(koffi.view(BigInt(address), length * 4));
}

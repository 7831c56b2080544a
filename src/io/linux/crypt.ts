/**
 * crypt(3) of this system: DES, MD5, bcrypt, SHA-256, SHA-512, yescrypt, whatever its library has. The C library of musl has it in itself, others
 * have a library of its own for it.
 */
import koffi from 'koffi';

/** More than `struct crypt_data` has anywhere: 131,232 bytes in the GNU C library before 2.28, 32 KiB in libxcrypt. */
const MEMORY_BYTES = 256 * 1024;
const NAMES = ['libcrypt.so.1', 'libcrypt.so.2', null];

type CryptCall = (password: Uint8Array, setting: Uint8Array, memory: Uint8Array) => string | null;

const call = findCall();
/** As an empty one has to be for each thread; each of them has this module itself. */
const memory = new Uint8Array(MEMORY_BYTES);

/** False: this system has none. */
export const HAS_CRYPT = call !== null;

/** As `Crypt` of credentials/password-hash.ts. `password` without a zero byte. */
export function crypt(password: Uint8Array, setting: string): string | null {
  if (call === null) return null;
  const text = new Uint8Array(password.length + 1);
  text.set(password);
  try {
    return call(text, Buffer.from(`${setting}\0`, 'latin1'), memory);
  } finally {
    text.fill(0);
    memory.fill(0);
  }
}

function findCall(): CryptCall | null {
  for (const name of NAMES) {
    try {
      return koffi.load(name).func('const char *crypt_r(const void *, const void *, void *)') as CryptCall;
    } catch {
      // the next one
    }
  }
  return null;
}

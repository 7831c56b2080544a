/**
 * What the system says when it refuses something, in words: nobody should have to know that EACCES is about permissions.
 * Pure: an error comes in, a clause comes out.
 */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'it is not an address of this machine',
  EAGAIN: 'a limit of processes or memory is reached',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was reset',
  EEXIST: 'it exists already',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'this process has no file descriptor left',
  ENAMETOOLONG: 'the path is too long',
  ENFILE: 'the system has no file descriptor left',
  ENOENT: 'there is no such file',
  ENOEXEC: 'it is not an executable program',
  ENOMEM: 'there is no memory left',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a directory',
  ENOTFOUND: 'there is no such name',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ETIMEDOUT: 'it took too long',
  // of c-ares, which asks name servers
  EREFUSED: 'the name server refuses to answer',
  ESERVFAIL: 'the name server cannot answer',
  ETIMEOUT: 'the name server does not answer',
};

/** `permission denied`; of an error that is not the system's its message. */
export function systemReason(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (isTimeout(error)) return WORDS.ETIMEDOUT;
  if (typeof code === 'string' && Object.hasOwn(WORDS, code)) return WORDS[code];
  return typeof message === 'string' && message !== '' ? message : String(code ?? error);
}

/** By `AbortSignal.timeout`: node:http has it as the cause of an error that says nothing but that somebody has given up. */
function isTimeout(error: unknown): boolean {
  const { name, cause } = error as { readonly name?: unknown; readonly cause?: unknown };
  return name === 'TimeoutError' || (name === 'AbortError' && cause instanceof Error && cause.name === 'TimeoutError');
}

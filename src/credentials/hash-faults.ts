/**
 * Why nobody can come by a hash: it is none, or takes longer than anybody would wait, or more memory than a balancer has to spare, and cannot be
 * stopped once it has begun.
 */

const BCRYPT_COST_MAX = 14;
const ROUNDS_MAX = 1_000_000;
/** Where it stands, `$5$rounds=5000$`. */
const ROUNDS = /^\$(?:[56]\$rounds=|sha1\$|md5,rounds=)(\d+)/;
/** What crypt_gensalt(3) makes of a cost: a character for the logarithm of the blocks, one for their size; 256 MiB at most. */
const MODEST_YESCRYPT = /^\$g?y\$[./0-9A-Za-j][./0-9A-D][./0-9A-T]\$/;
const MODEST_SCRYPT = /^\$7\$[./0-9A-E][./0-9A-U]\.{4}\/\.{4}/;
/** Of crypt(5): modular ones, DES, and extended DES. */
const KNOWN =
  /^(?:\$(?:apr1|1|2[abxy]|5|6|7|y|gy|sha1|md5)[$,]|\{(?:PLAIN|SHA|SSHA)\}|[./0-9A-Za-z]{13}$|_[./0-9A-Za-z]{19}$)/;

/** For people; null: nothing is wrong with it. `hasCrypt`: this system has crypt(3). */
export function hashFault(hash: string, hasCrypt: boolean): string | null {
  if (!KNOWN.test(hash)) return 'what stands behind its name is no hash of a password';
  const cost = Number(/^\$2[abxy]\$(\d\d)\$/.exec(hash)?.[1] ?? 0);
  if (cost > BCRYPT_COST_MAX) return `bcrypt with a cost of ${cost} takes too long: ${BCRYPT_COST_MAX} at most`;
  const rounds = Number(ROUNDS.exec(hash)?.[1] ?? 0);
  if (rounds > ROUNDS_MAX) return `${rounds} rounds take too long: ${ROUNDS_MAX} at most`;
  if (/^\$g?y\$/.test(hash) && !MODEST_YESCRYPT.test(hash))
    return 'yescrypt with these parameters takes too long: a cost of 9 at most';
  if (hash.startsWith('$7$') && !MODEST_SCRYPT.test(hash))
    return 'scrypt with these parameters takes too long: a cost of 9 at most';
  const needsCrypt = !/^(?:\$apr1\$|\{)/.test(hash);
  return needsCrypt && !hasCrypt ? 'this system has no crypt(3), which knows its hash' : null;
}

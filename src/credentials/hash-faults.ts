/** Why nobody can come by a hash: it is none, or takes longer than anybody would wait, and cannot be stopped once it has begun. */

const BCRYPT_COST_MAX = 14;
const ROUNDS_MAX = 1_000_000;
/** Of crypt(5): modular ones, DES, and extended DES. */
const KNOWN =
  /^(?:\$(?:apr1|1|2[abxy]|5|6|7|y|gy|sha1|md5)[$,]|\{(?:PLAIN|SHA|SSHA)\}|[./0-9A-Za-z]{13}$|_[./0-9A-Za-z]{19}$)/;

/** For people; null: nothing is wrong with it. `hasCrypt`: this system has crypt(3). */
export function hashFault(hash: string, hasCrypt: boolean): string | null {
  if (!KNOWN.test(hash)) return 'what stands behind its name is no hash of a password';
  const cost = Number(/^\$2[abxy]\$(\d\d)\$/.exec(hash)?.[1] ?? 0);
  if (cost > BCRYPT_COST_MAX) return `bcrypt with a cost of ${cost} takes too long: ${BCRYPT_COST_MAX} at most`;
  const rounds = Number(/^\$[56]\$rounds=(\d+)\$/.exec(hash)?.[1] ?? 0);
  if (rounds > ROUNDS_MAX) return `${rounds} rounds take too long: ${ROUNDS_MAX} at most`;
  const needsCrypt = !/^(?:\$apr1\$|\{)/.test(hash);
  return needsCrypt && !hasCrypt ? 'this system has no crypt(3), which knows its hash' : null;
}

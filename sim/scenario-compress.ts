/** What a scenario compresses: which listeners do, and which clients take it. */
import type { Prng } from '../src/base/prng.ts';
import type { CompressPlan } from '../src/config/plan/response.ts';

/** Accept-Encoding of clients that take gzip, and of those that do not. */
const TAKES = ['gzip', 'br, GZip;q=0.5', 'deflate;q=0.1 , gzip ; q=1.0'];
const DOES_NOT_TAKE = ['br', 'gzip;q=0, *', 'identity', 'gzipped, x-gzip'];

export function drawCompress(prng: Prng): CompressPlan {
  return {
    codings: ['gzip'],
    level: 1 + prng.below(9),
    minBytes: [0, 20, 256][prng.below(3)],
    types: prng.oneIn(4) ? ['*'] : ['text/html', 'text/plain'],
    proxied: [],
    saysVary: !prng.oneIn(4),
  };
}

/** Null: it has no such field. */
export function drawAcceptEncoding(prng: Prng): string | null {
  if (prng.oneIn(4)) return null;
  const texts = prng.oneIn(4) ? DOES_NOT_TAKE : TAKES;
  return texts[prng.below(texts.length)];
}

export function takesGzip(acceptEncoding: string): boolean {
  return TAKES.includes(acceptEncoding);
}

/** Every fuzzer of the program. A fuzzer plays one round with a seeded generator and throws if something is wrong. */
import { Prng } from '../base/prng.ts';
import { fuzzKeepalived } from '../config/keepalived/front-end.fuzz.ts';
import { fuzzNginx } from '../config/nginx/nginx.fuzz.ts';
import { fuzzTlsSession } from '../io/openssl/session.fuzz.ts';
import {
  fuzzCanary,
  fuzzChunks,
  fuzzRandomBytes,
  fuzzRequestHead,
  fuzzResponseHead,
  fuzzTrailers,
} from '../wire/http1/head.fuzz.ts';
import { fuzzHttp2Frames, fuzzHttp2Request } from '../wire/http2/heads.fuzz.ts';
import { fuzzHpackAny, fuzzHpackDecode, fuzzHpackEncode } from '../wire/http2/hpack/hpack.fuzz.ts';
import { fuzzProxyHeader } from '../wire/proxy-protocol/header.fuzz.ts';
import { fuzzClientHello } from '../wire/tls/client-hello.fuzz.ts';

export type Fuzzer = (prng: Prng) => void;

export const FUZZERS: ReadonlyMap<string, Fuzzer> = new Map([
  ['http1-request', fuzzRequestHead],
  ['http1-response', fuzzResponseHead],
  ['http1-chunks', fuzzChunks],
  ['http1-trailers', fuzzTrailers],
  ['http1-random', fuzzRandomBytes],
  ['http2-frames', fuzzHttp2Frames],
  ['http2-request', fuzzHttp2Request],
  ['hpack-decode', fuzzHpackDecode],
  ['hpack-encode', fuzzHpackEncode],
  ['hpack-any', fuzzHpackAny],
  ['keepalived-conf', fuzzKeepalived],
  ['nginx-conf', fuzzNginx],
  ['proxy-header', fuzzProxyHeader],
  ['client-hello', fuzzClientHello],
  ['tls-session', fuzzTlsSession],
]);

/** Has a planted mistake: fuzzing that does not find it within CANARY_ROUNDS is broken. */
export const CANARY: Fuzzer = fuzzCanary;
export const CANARY_ROUNDS = 2000;

export interface Failure {
  /** Plays the same round again. */
  readonly seed: number;
  readonly error: unknown;
}

/** Plays one round for each seed from `seed` on, up to the first that fails. */
export function playRounds(fuzzer: Fuzzer, seed: number, rounds: number): Failure | null {
  for (let round = 0; round < rounds; round++) {
    try {
      fuzzer(new Prng(seed + round));
    } catch (error) {
      return { seed: seed + round, error };
    }
  }
  return null;
}

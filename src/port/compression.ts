/** Compressing as a proxy needs it: streams that turn bytes of the arena into other bytes of the arena. Implemented by `io/zlib`. */

/** More is to come, and what there is may wait inside. */
export const ENCODE_MORE = 0;
/** All there is comes out, so that the client can read it. */
export const ENCODE_FLUSH = 1;
/** There is no more. */
export const ENCODE_END = 2;
export type EncodeStep = typeof ENCODE_MORE | typeof ENCODE_FLUSH | typeof ENCODE_END;

/** One body. Offsets are the arena's. */
export interface Encoder {
  /** Of input: bytes whose work is about that of one request. */
  readonly sliceBytes: number;
  /** Of the last call. */
  readonly consumed: number;
  readonly produced: number;
  /** The last call had more to say than there was room: the same step has to follow. */
  readonly hasMore: boolean;
  encode(step: EncodeStep, input: number, length: number, output: number, room: number): void;
  /** It is not used any more. Another body may get it. */
  release(): void;
}

export interface Compression {
  /** Whether this Node can. */
  has(coding: 'gzip' | 'br'): boolean;
  /** For a new body. Null: there is no memory for it. `level`: 1..9. */
  begin(coding: 'gzip' | 'br', level: number): Encoder | null;
}

/** zlib and Brotli as Node has them inside, or is linked to, through koffi. Nothing else in this folder touches native code. */
import koffi from 'koffi';

/** Node's own zlib is Chromium's, whose names begin so; a Node that is linked to the system's has none of them. */
const PREFIXES = ['Cr_z_', ''];

export interface Zlib {
  readonly zlibVersion: () => string;
  readonly deflateInit2: (
    stream: Uint32Array,
    level: number,
    method: number,
    windowBits: number,
    memory: number,
    strategy: number,
    version: string,
    size: number,
  ) => number;
  readonly deflate: (stream: number, flush: number) => number;
  readonly deflateReset: (stream: number) => number;
  readonly deflateEnd: (stream: number) => number;
}

export interface Brotli {
  readonly create: (allocate: number, free: number, opaque: number) => number;
  readonly set: (state: number, parameter: number, value: number) => number;
  readonly destroy: (state: number) => void;
  readonly compress: (
    state: number,
    operation: number,
    availableIn: number,
    nextIn: number,
    availableOut: number,
    nextOut: number,
    total: number,
  ) => number;
  readonly hasMoreOutput: (state: number) => number;
}

/** Null: this Node has none. */
export function loadZlib(): Zlib | null {
  const library = koffi.load(null);
  for (const prefix of PREFIXES) {
    try {
      const functions: Record<keyof Zlib, unknown> = {
        zlibVersion: library.func(`const char *${prefix}zlibVersion()`),
        deflateInit2: library.func(
          `int ${prefix}deflateInit2_(void *stream, int level, int method, int windowBits, int memory, int strategy, const char *version, int size)`,
        ),
        deflate: library.func(`int ${prefix}deflate(uintptr_t stream, int flush)`),
        deflateReset: library.func(`int ${prefix}deflateReset(uintptr_t stream)`),
        deflateEnd: library.func(`int ${prefix}deflateEnd(uintptr_t stream)`),
      };
      return functions as Zlib;
    } catch {
      // by the other name, or not at all
    }
  }
  return null;
}

/** Null: this Node has none. */
export function loadBrotli(): Brotli | null {
  const library = koffi.load(null);
  try {
    const functions: Record<keyof Brotli, unknown> = {
      create: library.func(
        'uintptr_t BrotliEncoderCreateInstance(uintptr_t allocate, uintptr_t free, uintptr_t opaque)',
      ),
      set: library.func('int BrotliEncoderSetParameter(uintptr_t state, int parameter, uint32_t value)'),
      destroy: library.func('void BrotliEncoderDestroyInstance(uintptr_t state)'),
      compress: library.func(
        'int BrotliEncoderCompressStream(uintptr_t state, int operation, uintptr_t availableIn, uintptr_t nextIn, uintptr_t availableOut, uintptr_t nextOut, uintptr_t total)',
      ),
      hasMoreOutput: library.func('int BrotliEncoderHasMoreOutput(uintptr_t state)'),
    };
    return functions as Brotli;
  } catch {
    return null;
  }
}

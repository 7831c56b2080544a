/**
 * HPACK of nghttp2, which is in Node's own binary, for comparison. Node exports it for its own addons and may stop at any time:
 * `hasNghttp2` tells whether it is there.
 */
import koffi from 'koffi';

export type Field = readonly [name: string, value: string];

/** Bytes of an nghttp2_nv: two pointers, two lengths, flags. */
const NV_BYTES = 40;
const FLAG_FINAL = 1;
const FLAG_EMIT = 2;

type Call = (...operands: unknown[]) => number;

interface Native {
  readonly inflateNew: Call;
  readonly inflate: Call;
  readonly inflateEnd: Call;
  readonly inflateDelete: Call;
  readonly deflateNew: Call;
  readonly deflateResize: Call;
  readonly deflate: Call;
  readonly deflateDelete: Call;
}

function load(): Native | null {
  try {
    const library = koffi.load(null);
    const nv = koffi.struct({
      name: 'uint8_t *',
      value: 'uint8_t *',
      nameLength: 'size_t',
      valueLength: 'size_t',
      flags: 'uint8_t',
    });
    const func = (declaration: string) => library.func(declaration) as Call;
    return {
      inflateNew: func('int nghttp2_hd_inflate_new(_Out_ uintptr_t *inflater)'),
      inflate: func(
        'intptr_t nghttp2_hd_inflate_hd2(uintptr_t inflater, uint8_t *nv, int *flags, const uint8_t *in, size_t length, int isLast)',
      ),
      inflateEnd: func('int nghttp2_hd_inflate_end_headers(uintptr_t inflater)'),
      inflateDelete: func('void nghttp2_hd_inflate_del(uintptr_t inflater)'),
      deflateNew: func('int nghttp2_hd_deflate_new(_Out_ uintptr_t *deflater, size_t tableBytes)'),
      deflateResize: func('int nghttp2_hd_deflate_change_table_size(uintptr_t deflater, size_t tableBytes)'),
      deflate: library.func('nghttp2_hd_deflate_hd', 'intptr_t', [
        'uintptr_t',
        'uint8_t *',
        'size_t',
        koffi.pointer(nv),
        'size_t',
      ]) as Call,
      deflateDelete: func('void nghttp2_hd_deflate_del(uintptr_t deflater)'),
    };
  } catch {
    return null;
  }
}

const loaded = load();
export const hasNghttp2 = loaded !== null;

function native(): Native {
  if (loaded === null) throw new Error('no nghttp2');
  return loaded;
}

function create(make: (out: number[]) => number): number {
  const out = [0];
  if (make(out) !== 0) throw new Error('nghttp2 has no memory');
  return out[0];
}

/** A decoder. */
export class Inflater {
  private readonly self = create((out) => native().inflateNew(out));

  /** The fields of a block that comes in pieces of `step` bytes; null: it is refused, and the decoder is of no more use. */
  inflate(block: Uint8Array, step: number): Field[] | null {
    const fields: Field[] = [];
    const nv = new Uint8Array(NV_BYTES);
    const flags = new Int32Array(1);
    let at = 0;
    let end = 0;
    do {
      end = Math.min(block.length, end + step);
      for (;;) {
        const isLast = end === block.length ? 1 : 0;
        const taken = native().inflate(this.self, nv, flags, block.slice(at, end), end - at, isLast);
        if (taken < 0) return null;
        at += taken;
        if ((flags[0] & FLAG_EMIT) !== 0) fields.push(readField(nv));
        if ((flags[0] & FLAG_FINAL) !== 0) {
          native().inflateEnd(this.self);
          return fields;
        }
        if ((flags[0] & FLAG_EMIT) === 0 && at === end) break;
      }
    } while (end < block.length);
    return fields;
  }

  free(): void {
    native().inflateDelete(this.self);
  }
}

function readField(nv: Uint8Array): Field {
  const view = new DataView(nv.buffer);
  const text = (pointer: number, length: number) => {
    const count = Number(view.getBigUint64(length, true));
    if (count === 0) return '';
    return Buffer.from(koffi.decode(view.getBigUint64(pointer, true), 'uint8_t', count) as Uint8Array).toString(
      'latin1',
    );
  };
  return [text(0, 16), text(8, 24)];
}

/** An encoder. */
export class Deflater {
  private readonly self: number;

  /** `tableBytes`: the largest that its table will ever be. */
  constructor(tableBytes: number) {
    this.self = create((out) => native().deflateNew(out, tableBytes));
  }

  resize(tableBytes: number): void {
    native().deflateResize(this.self, tableBytes);
  }

  deflate(fields: readonly Field[]): Uint8Array {
    const out = new Uint8Array(fields.reduce((sum, [name, value]) => sum + name.length + value.length + 16, 64));
    const list = fields.map(([name, value]) => ({
      name: Buffer.from(name, 'latin1'),
      value: Buffer.from(value, 'latin1'),
      nameLength: name.length,
      valueLength: value.length,
      flags: 0,
    }));
    const length = native().deflate(this.self, out, out.length, list, list.length);
    if (length < 0) throw new Error(`nghttp2 refuses to encode: ${length}`);
    return out.subarray(0, length);
  }

  free(): void {
    native().deflateDelete(this.self);
  }
}

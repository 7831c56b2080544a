/** xoshiro128**: small, fast, and the same on every machine. Not for secrets. */
export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** Any integer seed gives an independent stream. */
  constructor(seed: number) {
    // splitmix32 spreads neighbouring seeds
    let s = seed | 0;
    const next = (): number => {
      s = (s + 0x9e3779b9) | 0;
      let z = s;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) | 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** An unsigned 32-bit integer. */
  nextU32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = rotateLeft(this.d, 11);
    return result;
  }

  /** An integer of 0 to bound - 1; bound is 1 to 2^32. */
  below(bound: number): number {
    return Math.floor((this.nextU32() / 4294967296) * bound);
  }

  /** A number of 0 up to but not including 1. */
  unit(): number {
    return this.nextU32() / 4294967296;
  }

  /** True once in `n` on average; n of 0 is never. */
  oneIn(n: number): boolean {
    return n > 0 && this.below(n) === 0;
  }
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}

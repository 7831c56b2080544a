/**
 * One BIO that every session reads from, and one that every session writes to. Sessions are called one after the other, and none
 * leaves anything in them: so an idle connection has no buffers of its own.
 *
 * What is fed is not copied. OpenSSL's read-only memory BIO reads where its BUF_MEM points (openssl/buffer.h: length, data, max, flags; four words of
 * 64 bits), and it is pointed at the arena. `create` tries that out, so that an OpenSSL that did otherwise would be refused, not misled.
 */
import { assert } from '../../base/assert.ts';
import { addressOf, writePointer } from '../native-pointers.ts';
import { type Library, MissingOpenssl, wordsAt } from './library.ts';

const BIO_C_GET_BUF_MEM_PTR = 115;
const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;

/** Of BUF_MEM, as words of 32 bits. */
const LENGTH = 0;
const DATA = 2;
const DATA_HIGH = 3;
const MAX = 4;
const BUF_MEM_WORDS = 8;

const HIGH = 0x1_0000_0000;

export class MemoryBios {
  readonly input: number;
  readonly output: number;
  /** The address that offsets count from. */
  readonly base: number;
  private readonly library: Library;
  private readonly words: Uint32Array;
  private readonly baseLow: number;
  private readonly baseHigh: number;
  /** BIO_new_mem_buf wants some, though it is not looked at. */
  private readonly nothing = new Uint8Array(4096);

  static create(library: Library, base: number): MemoryBios {
    const bios = new MemoryBios(library, base);
    const from = new Uint8Array(4096).fill(7);
    const into = new Uint8Array(4096);
    bios.point(addressOf(from), 5);
    const count = library.BIO_read(bios.input, addressOf(into), 3);
    const isAsKnown = count === 3 && into[2] === 7 && into[3] === 0 && bios.unreadBytes === 2;
    bios.feed(0, 0);
    if (!isAsKnown || library.BIO_read(bios.input, addressOf(into), 3) !== -1) {
      throw new MissingOpenssl('the memory BIOs of this OpenSSL are built differently');
    }
    return bios;
  }

  private constructor(library: Library, base: number) {
    this.library = library;
    this.base = base;
    this.baseLow = base % HIGH;
    this.baseHigh = Math.floor(base / HIGH);
    this.input = library.BIO_new_mem_buf(addressOf(this.nothing), 1);
    this.output = library.BIO_new(library.BIO_s_mem());
    assert(this.input !== 0 && this.output !== 0, 'no memory for BIOs');
    // An empty one has no more for now: it is not at its end.
    library.BIO_ctrl(this.input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, null);
    const cell = new BigUint64Array(1);
    library.BIO_ctrl(this.input, BIO_C_GET_BUF_MEM_PTR, 0, cell);
    this.words = wordsAt(Number(cell[0]), BUF_MEM_WORDS);
    this.feed(0, 0);
  }

  get unreadBytes(): number {
    return this.words[LENGTH];
  }

  /** What is read next. */
  feed(offset: number, length: number): void {
    const { words } = this;
    const low = this.baseLow + offset;
    words[LENGTH] = length;
    words[DATA] = low;
    words[DATA_HIGH] = low < HIGH ? this.baseHigh : this.baseHigh + 1;
    words[MAX] = length;
  }

  private point(address: number, length: number): void {
    const { words } = this;
    words[LENGTH] = length;
    writePointer(words, DATA, address);
    words[MAX] = length;
  }

  /** A session is about to get both, and will give them back. */
  retain(): void {
    this.library.BIO_up_ref(this.input);
    this.library.BIO_up_ref(this.output);
  }
}

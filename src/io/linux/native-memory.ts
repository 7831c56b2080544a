/** Memory whose address is known, for structures that point to each other. */
import koffi from 'koffi';

const library = koffi.load(null);

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

const mmap = library.func('void *mmap(uintptr_t, size_t, int, int, int, int64_t)');

/** Lives as long as the process. */
export interface NativeMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
}

export function allocateNative(length: number): NativeMemory {
  const address = koffi.address(mmap(0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
  if (address === MAP_FAILED) throw new Error('out of memory');
  const buffer = koffi.view(address, length);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer), address: Number(address) };
}

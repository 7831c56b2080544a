/** What the groups of the expression that matched last captured. The text is kept: what it was matched with may be overwritten. */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import type { Span } from './span.ts';

/** `$0` to `$9`. */
const GROUPS_MAX = 10;

export class Captures {
  private readonly text = new Uint8Array(HEAD_BYTES_MAX);
  private readonly starts = new Int32Array(GROUPS_MAX);
  private readonly ends = new Int32Array(GROUPS_MAX);
  private isEmpty = true;

  clear(): void {
    this.isEmpty = true;
  }

  /** The expression matched in the `length` bytes at `at`. `groups`: as CapturingRegex has them. */
  keep(bytes: Uint8Array, at: number, length: number, groups: Int32Array): void {
    this.isEmpty = false;
    for (let i = 0; i < length; i++) this.text[i] = bytes[at + i];
    for (let group = 0; group < GROUPS_MAX; group++) {
      const isThere = group * 2 < groups.length && groups[group * 2] >= 0;
      this.starts[group] = isThere ? groups[group * 2] : 0;
      this.ends[group] = isThere ? groups[group * 2 + 1] : 0;
    }
  }

  /** The same groups again, wherever this object's next match is. */
  copyFrom({ text, starts, ends, isEmpty }: Captures): void {
    this.isEmpty = isEmpty;
    if (isEmpty) return;
    this.text.set(text.subarray(0, Math.max(...ends)));
    this.starts.set(starts);
    this.ends.set(ends);
  }

  /** Leaves what the group captured in `span`. False: nothing. */
  find(group: number, span: Span): boolean {
    span.set(this.text, this.starts[group], this.isEmpty ? 0 : this.ends[group] - this.starts[group]);
    return span.length > 0;
  }
}

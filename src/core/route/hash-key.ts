/** The key that consistent hashing balances a request by: 32 bits of one of its values. */
import { crc32 } from '../../base/crc32.ts';
import { hashBytes } from '../../base/hash.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { HashKeyPlan } from '../../config/plan/upstream.ts';
import type { RequestView } from '../value/request-view.ts';
import { Source } from '../value/source.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

/** A part of what two machines must agree on: never changes. */
const SEED = 0x6b657931;

const text = new Uint8Array(HEAD_BYTES_MAX);
const span = new Span();
const said = new Span();

export class HashKey {
  private readonly source: Source | null;
  /** Set if and only if there is no source. */
  private readonly text: Template | null;
  private readonly isCrc: boolean;

  /** `isCrc`: as nginx and memcached hash. */
  constructor(plan: HashKeyPlan, isCrc = false) {
    this.isCrc = isCrc;
    this.text = plan.kind === 'text' ? new Template(plan.text, encodeUtf8) : null;
    if (plan.kind === 'text') {
      this.source = null;
      return;
    }
    // equal paths must meet in one server's cache however they are spelt
    this.source = plan.kind === 'path' ? Source.normalPath : Source.of(plan);
  }

  /**
   * The key of a request: a signed 32-bit integer, the same for the same value. Of several fields, cookies or parameters of the
   * name the first counts. A request that has none, or an empty one, gets `fallback`: one key for all of them would send them
   * all to one server.
   */
  of(view: RequestView, fallback: number): number {
    if (this.source !== null) {
      if (!this.source.findFirst(view, span)) return fallback;
      span.decode(said);
    } else (this.text as Template).read(view, text, said);
    if (said.length === 0) return fallback;
    return this.isCrc ? crc32(said.bytes, said.at, said.length) : hashBytes(said.bytes, said.at, said.length, SEED);
  }
}

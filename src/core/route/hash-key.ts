/** The key that consistent hashing balances a request by: 32 bits of one of its values. */
import { hashBytes } from '../../base/hash.ts';
import type { HashKeyPlan } from '../../config/plan.ts';
import type { RequestView } from '../value/request-view.ts';
import { Source } from '../value/source.ts';
import { Span } from '../value/span.ts';

/** A part of what two machines must agree on: never changes. */
const SEED = 0x6b657931;

const span = new Span();
const said = new Span();

export class HashKey {
  private readonly source: Source;

  constructor(plan: HashKeyPlan) {
    // equal paths must meet in one server's cache however they are spelt
    this.source = plan.kind === 'path' ? Source.normalPath : Source.of(plan);
  }

  /**
   * The key of a request: a signed 32-bit integer, the same for the same value. Of several fields, cookies or parameters of the
   * name the first counts. A request that has none, or an empty one, gets `fallback`: one key for all of them would send them
   * all to one server.
   */
  of(view: RequestView, fallback: number): number {
    if (!this.source.find(view, span)) return fallback;
    span.decode(said);
    return said.length === 0 ? fallback : hashBytes(said.bytes, said.at, said.length, SEED);
  }
}

/** A route's changes to the fields of requests or responses, prepared once: which names go, and the lines that come. */
import { RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import type { HeaderEditPlan } from '../../config/plan/response.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { markLate } from '../../core/value/late.ts';
import { FieldLines } from '../../core/value/field-lines.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { FOLDED_NAME, isSpelt } from '../../wire/http1/fields.ts';
import { FIELD_NAME, FIELD_NAME_LENGTH, FIELD_WORDS, type FieldTable } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';

const NOTHING: Uint8Array = new Uint8Array(0);
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

export class HeaderEdit {
  /** Names whose fields are taken out, as FOLDED_NAME has them: servers that make variables of names must not merge another. */
  private readonly dropped: readonly Uint8Array[];
  private readonly removesOdd: boolean;
  private readonly keepsUnderscores: boolean;
  /** The lines that are put behind the fields that stay: complete, and the same for every request. */
  readonly appendix: Uint8Array;
  /** Instead of the appendix, where values of the request are in the lines. */
  readonly template: FieldLines | null;
  readonly isEmpty: boolean;

  /** Values that only the response knows are in the lines. */
  readonly isLate: boolean;

  /** `isResponse`: of one, which has values of its own. */
  constructor(plan: HeaderEditPlan, isResponse = false) {
    const dropped = new Set<string>();
    for (const [name] of plan.set) dropped.add(name.toLowerCase());
    for (const name of plan.remove) dropped.add(name.toLowerCase());
    this.dropped = Array.from(dropped, (name) => ascii(name).map((byte) => FOLDED_NAME[byte]));
    const written = [...plan.set, ...plan.add];
    const fields = isResponse ? written.map(([name, value]) => [name, markLate(value)] as const) : written;
    this.isLate = fields.some(([, value], i) => value !== written[i][1]);
    const lines = new FieldLines(fields);
    this.template = lines.constant === null ? lines : null;
    this.appendix = lines.constant ?? NOTHING;
    this.removesOdd = plan.odd !== undefined;
    this.keepsUnderscores = plan.odd === 'keep-underscores';
    this.isEmpty = dropped.size === 0 && this.template === null && this.appendix.length === 0 && !this.removesOdd;
  }

  /** The same; routes that change nothing share one. */
  static of(plan: HeaderEditPlan, isResponse = false): HeaderEdit {
    const { set, add, remove, odd } = plan;
    const isNothing = set.length + add.length + remove.length === 0 && odd === undefined;
    return isNothing ? NO_EDIT : new HeaderEdit(plan, isResponse);
  }

  /** How many bytes the lines have at most for this request. */
  linesBound(view: RequestView): number {
    return this.template === null ? this.appendix.length : this.template.bound(view);
  }

  /** Whether the field with this name is to go, in any case and with any character for `-`. */
  drops(bytes: Uint8Array, name: number, length: number): boolean {
    if (this.removesOdd && isOdd(bytes, name, length, this.keepsUnderscores)) return true;
    for (const candidate of this.dropped) {
      if (candidate.length === length && isSpelt(bytes, name, length, candidate, 0)) return true;
    }
    return false;
  }

  /** Whether a field of a trailer section is to go. */
  dropsAnyOf(bytes: Uint8Array, { fields, fieldCount }: FieldTable): boolean {
    for (let word = 0; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
      if (this.drops(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH])) return true;
    }
    return false;
  }

  /** Whether fields of this lower-case name are set or removed by the route, so that the proxy's own must not be added. */
  dropsName(name: Uint8Array): boolean {
    return this.drops(name, 0, name.length);
  }
}

const NO_EDIT = new HeaderEdit({ set: [], add: [], remove: [] });

/** A token that has anything but letters, digits, hyphens and, if those are kept, underscores. */
function isOdd(bytes: Uint8Array, at: number, length: number, keepsUnderscores: boolean): boolean {
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i];
    if (FOLDED_NAME[byte] !== HYPHEN || byte === HYPHEN) continue;
    if (byte !== UNDERSCORE || !keepsUnderscores) return true;
  }
  return false;
}

/** The lines that an edit adds to the response to the request in the view. Null: they are too long. */
export function linesFor(context: Context, { appendix, template }: HeaderEdit, view: RequestView): Uint8Array | null {
  if (template === null) return appendix;
  const { arena, memory, scratchSlot } = context;
  const start = arena.start(scratchSlot);
  const end = template.emit(view, memory, start, start + RESPONSE_EDIT_BYTES_MAX);
  return end < 0 ? null : memory.slice(start, end);
}

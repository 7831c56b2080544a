/** Heads of HTTP/1 messages as text, and what is different between two of them. */
import type { ExplainedField } from '../api/explanation.ts';

export type Field = readonly [name: string, value: string];

export interface HeadText {
  /** Without its end. */
  readonly line: string;
  readonly fields: readonly Field[];
  readonly body: string;
}

/** Of bytes in Latin-1. Null: the head is not whole. */
export function readHead(text: string): HeadText | null {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [line, ...lines] = text.slice(0, end).split('\r\n');
  const fields = lines.map((each): Field => {
    const colon = each.indexOf(':');
    return [each.slice(0, colon), each.slice(colon + 1).trim()];
  });
  return { line, fields, body: text.slice(end + 4) };
}

/** What becomes of each field, in the order of `after`; those that are gone stand at the end. */
export function compareFields(before: readonly Field[], after: readonly Field[]): readonly ExplainedField[] {
  const left = [...before];
  const take = (isIt: (field: Field) => boolean): Field | null => {
    const at = left.findIndex(isIt);
    return at < 0 ? null : left.splice(at, 1)[0];
  };
  // those that stay first: one of two with the same name may be another one now
  const isKept = after.map(([name, value]) => take((one) => isNamed(one, name) && one[1] === value) !== null);
  const fields = after.map(([name, value], i): ExplainedField => {
    const change = isKept[i] ? 'kept' : take((one) => isNamed(one, name)) === null ? 'added' : 'changed';
    return { name, value, change };
  });
  return [...fields, ...left.map(([name, value]): ExplainedField => ({ name, value, change: 'removed' }))];
}

function isNamed([name]: Field, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase();
}

/** What the admin API asks the thread that reads configurations: another configuration than the one that is in force, made of it. */
import { withValue, merged, without } from '../config/change/change.ts';
import { ChangeError, parsePointer, valueAt } from '../config/change/pointer.ts';
import { withSecrets } from '../config/change/secrets.ts';
import { redacted } from '../config/redact.ts';
import type { Origin } from './origin.ts';

export interface ChangeRequest {
  readonly kind: 'put' | 'merge' | 'delete';
  /** A JSON Pointer. */
  readonly at: string;
  /** JSON. */
  readonly body: string;
  /** The configuration in force, as JSON. */
  readonly base: string;
  /** The files that it goes before. */
  readonly origin: Origin;
  readonly by: string | null;
}

/** Maps and lists inside each other. The model needs 10. */
const DEPTH_MAX = 64;

/** Throws ChangeError. */
export function changedConfig({ kind, at, body, base }: Omit<ChangeRequest, 'origin' | 'by'>): unknown {
  const steps = parsePointer(at);
  const former = JSON.parse(base) as unknown;
  if (kind === 'delete') return without(former, steps);
  const sent = parseBody(body);
  const known = partOrNothing(former, steps);
  const given = withSecrets(sent, known, partOrNothing(redacted(former), steps), steps);
  return kind === 'put' ? withValue(former, steps, given) : merged(former, steps, given);
}

function partOrNothing(whole: unknown, steps: readonly string[]): unknown {
  try {
    return valueAt(whole, steps);
  } catch {
    return undefined;
  }
}

function parseBody(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ChangeError('syntax', `this is no JSON: ${(error as Error).message}`);
  }
  if (!isWithinDepth(value, DEPTH_MAX)) {
    throw new ChangeError('syntax', `there are more than ${DEPTH_MAX} maps and lists inside each other`);
  }
  return value;
}

function isWithinDepth(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((each) => isWithinDepth(each, left - 1));
}

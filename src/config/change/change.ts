/** A configuration with a part of it changed, as plain data. What comes of it is for `check` to judge. */
import { ChangeError, isIndex, isMap, type PlainMap, pointerText, type Steps, valueAt } from './pointer.ts';

type List = readonly unknown[];

/** `value` at that place, instead of what is there or as something new; in a list `-` is behind the last. Throws ChangeError. */
export function withValue(whole: unknown, steps: Steps, value: unknown): unknown {
  valueAt(whole, steps.slice(0, -1));
  return changedAt(
    whole,
    steps,
    0,
    (parent, step) => {
      if (isMap(parent)) return withKey(parent, step, value);
      const index = step === '-' ? parent.length : indexIn(parent, steps, step, parent.length);
      return [...parent.slice(0, index), value, ...parent.slice(index + 1)];
    },
    () => value,
  );
}

/** What is at that place, changed by a JSON Merge Patch (RFC 7396). Throws ChangeError. */
export function merged(whole: unknown, steps: Steps, patch: unknown): unknown {
  return withValue(whole, steps, mergePatch(valueAt(whole, steps), patch));
}

/** Throws ChangeError. */
export function without(whole: unknown, steps: Steps): unknown {
  if (steps.length === 0) throw new ChangeError('refused', 'all of it cannot be taken out: say which part');
  valueAt(whole, steps);
  return changedAt(
    whole,
    steps,
    0,
    (parent, step) => {
      if (!isMap(parent)) return parent.toSpliced(Number(step), 1);
      return Object.fromEntries(Object.entries(parent).filter(([key]) => key !== step));
    },
    () => null,
  );
}

function changedAt(
  value: unknown,
  steps: Steps,
  depth: number,
  change: (parent: PlainMap | List, step: string) => unknown,
  replace: () => unknown,
): unknown {
  if (depth === steps.length) return replace();
  const step = steps[depth];
  const isLast = depth === steps.length - 1;
  if (!Array.isArray(value) && !isMap(value)) {
    const parent = pointerText(steps.slice(0, depth));
    throw new ChangeError(
      'absent',
      `there is no part ${step} of ${parent === '' ? 'it' : parent}, which is no map and no list`,
    );
  }
  if (isLast) return change(value, step);
  const inside = changedAt(valueAt(value, [step]), steps, depth + 1, change, replace);
  return isMap(value) ? withKey(value, step, inside) : (value as List).with(Number(step), inside);
}

/** In its place, or at the end. Whatever the name is: `__proto__` is one too. */
function withKey(map: PlainMap, name: string, value: unknown): PlainMap {
  const entries = Object.entries(map);
  const at = entries.findIndex(([key]) => key === name);
  return Object.fromEntries(at < 0 ? [...entries, [name, value]] : entries.with(at, [name, value]));
}

function indexIn(list: List, steps: Steps, step: string, max: number): number {
  if (isIndex(step) && Number(step) <= max) return Number(step);
  throw new ChangeError(
    'absent',
    `${pointerText(steps)}: that list has ${list.length}; write a number up to ${max}, or - for a new last one`,
  );
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result = new Map<string, unknown>(isMap(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

/** Where two configurations say something else, without what is secret. */
import { redacted } from '../redact.ts';
import { isMap, pointerText } from './pointer.ts';

export interface Difference {
  /** A JSON Pointer. */
  readonly at: string;
  /** Not there: undefined. */
  readonly file?: unknown;
  readonly inForce?: unknown;
}

/** A list is compared item by item where both have as many. */
export function differencesOf(file: unknown, inForce: unknown): readonly Difference[] {
  return [...differencesIn(file, inForce, redacted(file), redacted(inForce), [])];
}

/** The last two: the same, as they are shown. */
function* differencesIn(
  file: unknown,
  inForce: unknown,
  shownFile: unknown,
  shownInForce: unknown,
  at: readonly (string | number)[],
): Generator<Difference> {
  if (isMap(file) && isMap(inForce) && isMap(shownFile) && isMap(shownInForce)) {
    for (const key of new Set([...Object.keys(file), ...Object.keys(inForce)])) {
      yield* differencesIn(own(file, key), own(inForce, key), own(shownFile, key), own(shownInForce, key), [
        ...at,
        key,
      ]);
    }
    return;
  }
  const lists = [file, inForce, shownFile, shownInForce];
  if (lists.every((each) => Array.isArray(each)) && lists[0].length === lists[1].length) {
    const [a, b, c, d] = lists;
    for (let i = 0; i < a.length; i++) yield* differencesIn(a[i], b[i], c[i], d[i], [...at, i]);
    return;
  }
  if (JSON.stringify(file) === JSON.stringify(inForce)) return;
  yield {
    at: pointerText(at),
    ...(file === undefined ? {} : { file: shownFile }),
    ...(inForce === undefined ? {} : { inForce: shownInForce }),
  };
}

function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/**
 * Who reads a configuration over the admin API gets `(redacted)` for each secret, and may send back what they read, changed elsewhere:
 * then the secrets stay what they are. Where it is not certain which secret is meant, the change is refused, for a secret that
 * is lost, or ends up at another place, is worse than a question.
 */
import { REDACTED } from '../redact.ts';
import { ChangeError, isMap, pointerText } from './pointer.ts';

type Place = readonly (string | number)[];

/**
 * `next` with the secrets of `former` where it has placeholders. In a map that is the secret of the same name; in a list that of the item
 * that is the same but for the secret, if there is only one such, or if the list is the same. `shown`: `former` as it was shown; `at`:
 * where it is in the configuration. Throws ChangeError with the place of a placeholder that is nobody's.
 */
export function withSecrets(next: unknown, former: unknown, shown: unknown, at: Place): unknown {
  if (typeof next === 'string') {
    if (!next.includes(REDACTED)) return next;
    if (next === shown) return former;
    throw nobodys(at);
  }
  if (Array.isArray(next)) return listWithSecrets(next, former, shown, at);
  if (!isMap(next)) return next;
  return Object.fromEntries(
    Object.entries(next).map(([key, value]) => {
      const isKnown = isMap(former) && isMap(shown) && Object.hasOwn(former, key);
      const known = isKnown ? [former[key], shown[key]] : [undefined, undefined];
      return [key, withSecrets(value, known[0], known[1], [...at, key])];
    }),
  );
}

function listWithSecrets(next: readonly unknown[], former: unknown, shown: unknown, at: Place): readonly unknown[] {
  if (!mayHavePlaceholder(next)) return next;
  const formers = Array.isArray(former) ? (former as readonly unknown[]) : [];
  const texts = Array.isArray(shown) ? shown.map((each) => JSON.stringify(each)) : [];
  if (JSON.stringify(next) === JSON.stringify(shown)) return formers;
  return next.map((item, i) => {
    if (!mayHavePlaceholder(item)) return item;
    const text = JSON.stringify(item);
    const index = texts.indexOf(text);
    // A flag of a command line says what the next word is, and is an item of its own.
    const isOne = typeof item !== 'string' && index >= 0 && texts.lastIndexOf(text) === index;
    if (isOne) return formers[index];
    throw nobodys(placeOfPlaceholder(item, [...at, i]));
  });
}

function mayHavePlaceholder(value: unknown): boolean {
  return JSON.stringify(value)?.includes(REDACTED) ?? false;
}

function placeOfPlaceholder(value: unknown, at: Place): Place {
  if (typeof value !== 'object' || value === null) return at;
  for (const [key, each] of Object.entries(value)) {
    if (mayHavePlaceholder(each)) return placeOfPlaceholder(each, [...at, key]);
  }
  return at;
}

function nobodys(at: Place): ChangeError {
  return new ChangeError(
    'refused',
    `${pointerText(at)}: ${REDACTED} stands for a secret, and which one is not certain here; write the secret itself, or change what is ` +
      'beside it by its own place',
  );
}

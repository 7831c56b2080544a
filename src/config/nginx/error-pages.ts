/** `error_page`: what is answered in place of an error. */
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

/** Statuses of nginx's own: a client's certificate is wrong, or is missing. What answers them is said by a server, for all that it has. */
const OF_CERTIFICATES: ReadonlySet<number> = new Set([495, 496]);

/**
 * `nameOf`: of the route that a named location becomes; null: there is none. `only`: of errors with this status, of `errors` of any, or of
 * clients without the right certificate.
 */
export function readErrorPages(
  scope: Scope,
  constants: Constants,
  nameOf: (location: string) => string | null,
  notes: Notes,
  only: number | 'errors' | 'certificates',
): PlainMap[] {
  const pages: PlainMap[] = [];
  for (const { args, place } of scope.all('error_page')) {
    const words = args.slice(0, -1).map(({ text }) => text);
    const target = args[args.length - 1];
    const hasAnswer = words.length > 0 && words[words.length - 1].startsWith('=');
    const over = hasAnswer ? words.pop() : undefined;
    const statuses = words.map(Number);
    if (statuses.length === 0 || statuses.some((status) => !(status >= 300 && status <= 599))) {
      notes.error(args[0].place, `value "${words[0] ?? over}" must be between 300 and 599`, 'write for example 502');
      continue;
    }
    if (over !== undefined && !/^=([2-5][0-9][0-9])?$/.test(over)) {
      notes.error(args[args.length - 2].place, `invalid value "${over}"`, 'write = or for example =200');
      continue;
    }
    const wanted = statuses.filter((status) => OF_CERTIFICATES.has(status) === (only === 'certificates'));
    if (typeof only === 'number' ? !wanted.includes(only) : wanted.length === 0) continue;
    const answer = over === undefined ? {} : { answer: over === '=' ? 'own' : Number(over.slice(1)) };
    const status = wanted.length === 1 ? wanted[0] : wanted;
    const translated = translateText(target.text, constants);
    if ('problem' in translated) {
      notes.notYet(place, `\`error_page ... ${target.text}\``, translated.problem);
    } else if (target.text.startsWith('@')) {
      const name = nameOf(target.text);
      if (name === null) notes.error(target.place, `there is no location ${target.text}`, 'write the location');
      else pages.push({ status, call: name, ...answer });
    } else if (target.text.startsWith('/')) {
      // the query of the request is not for the page
      pages.push({ status, to: `${translated.template}?`, ...answer });
    } else {
      const code = over === undefined || over === '=' ? 302 : Number(over.slice(1));
      const redirects = [301, 302, 303, 307, 308];
      pages.push({ status, redirect: { to: translated.template, status: redirects.includes(code) ? code : 302 } });
    }
  }
  return pages;
}

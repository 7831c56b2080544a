/** `error_page`: what is answered in place of an error. */
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

/** Statuses of nginx's own: a client's certificate is wrong, or is missing. */
const OF_CERTIFICATES: ReadonlySet<string> = new Set(['495', '496']);

/** `nameOf`: of the route that a named location becomes; null: there is none. `only`: of errors with this status; null: of all. */
export function readErrorPages(
  scope: Scope,
  constants: Constants,
  nameOf: (location: string) => string | null,
  notes: Notes,
  only: number | null,
): PlainMap[] {
  const pages: PlainMap[] = [];
  for (const { args, place } of scope.all('error_page')) {
    const all = args.slice(0, -1).map(({ text }) => text);
    const words = all.filter((word) => !OF_CERTIFICATES.has(word));
    for (const word of all.filter((each) => OF_CERTIFICATES.has(each))) {
      notes.leftOut(
        place,
        `error_page ${word}`,
        'who has not shown the right certificate gets 400 with a line of text',
      );
    }
    if (words.every((word) => word.startsWith('=')) && words.length < all.length) continue;
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
    if (only !== null && !statuses.includes(only)) continue;
    const answer = over === undefined ? {} : { answer: over === '=' ? 'own' : Number(over.slice(1)) };
    const status = statuses.length === 1 ? statuses[0] : statuses;
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

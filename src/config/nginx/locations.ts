/**
 * The locations of a server as routes in the order in which nginx would choose them: exact ones; prefixes that no regular
 * expression goes before; regular expressions as written; other prefixes, the longest first.
 */
import type { Place } from '../findings/diagnostic.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { behindPrefix, translatePathPcre, translatePcre } from './pcre.ts';
import { Scope } from './scope.ts';

export type LocationKind = 'exact' | 'prefix' | 'regex' | 'named';

export interface Location {
  readonly kind: LocationKind;
  /** The path, or the translated expression. */
  readonly path: string;
  /** The expression for the path when every escape in it is decoded. */
  readonly decoded?: string;
  /** `^~` */
  readonly isFinal: boolean;
  readonly scope: Scope;
  readonly place: Place;
}

/** A route without its hosts. */
export interface Draft {
  readonly route: PlainMap;
  readonly place: Place;
}

export interface ServerLocations {
  readonly locations: readonly Location[];
  /** By name, with its `@`. */
  readonly named: ReadonlyMap<string, Location>;
}

export function readLocations(server: Scope, notes: Notes): ServerLocations {
  const locations: Location[] = [];
  const named = new Map<string, Location>();
  collect(server, null, locations, named, notes);
  return { locations, named };
}

function collect(
  outer: Scope,
  parent: Location | null,
  into: Location[],
  named: Map<string, Location>,
  notes: Notes,
): void {
  for (const directive of outer.own('location')) {
    const location = readLocation(directive, outer, notes);
    if (location === null) continue;
    if (location.path.startsWith('@') && location.kind === 'prefix') {
      named.set(location.path, location);
      continue;
    }
    const twin = into.find(({ kind, path }) => kind !== 'regex' && kind === location.kind && path === location.path);
    if (twin !== undefined) {
      notes.error(
        directive.place,
        `duplicate location "${location.path}"`,
        `keep one; the first is on line ${twin.place.line}`,
      );
      continue;
    }
    if (parent !== null && !isPossibleInside(parent, location, directive, notes)) continue;
    into.push(location);
    collect(location.scope, location, into, named, notes);
  }
}

function isPossibleInside(parent: Location, location: Location, { place }: Directive, notes: Notes): boolean {
  if (parent.kind === 'prefix' && location.kind !== 'regex' && location.path.startsWith(parent.path)) return true;
  if (parent.kind === 'prefix' && location.kind !== 'regex') {
    const reason = `location "${location.path}" is outside location "${parent.path}"`;
    notes.error(place, reason, 'write it outside, or begin its path with that of the outer one');
  } else {
    notes.notYet(
      place,
      'a regular expression in or around another location',
      'there is nothing like it yet',
      'write both side by side',
    );
  }
  return false;
}

function readLocation(directive: Directive, outer: Scope, notes: Notes): Location | null {
  const { args, place } = directive;
  const { modifier, path, isBad } = split(args.map(({ text }) => text));
  const at = args[args.length - 1].place;
  if (isBad) {
    notes.error(args[0].place, `invalid location modifier "${args[0].text}"`, 'write =, ^~, ~ or ~*');
    return null;
  }
  const scope = new Scope('location', directive.block!, outer, modifier === '=' ? path : null);
  if (modifier !== '~' && modifier !== '~*') {
    return {
      kind: modifier === '=' ? 'exact' : 'prefix',
      path: literal(path),
      isFinal: modifier === '^~',
      scope,
      place,
    };
  }
  const { regex, reason } = translatePathPcre(path, modifier === '~*');
  if (regex === null) {
    const fix = 'write an expression without it';
    notes.notYet(at, `the regular expression \`${path}\``, reason, fix);
    return null;
  }
  const decoded = translatePcre(path, modifier === '~*').regex ?? regex;
  return { kind: 'regex', path: regex, decoded, isFinal: false, scope, place };
}

/** nginx compares what it has decoded with what is written: no character of a path is an escape or means something else. */
function literal(path: string): string {
  return path.replace(/[%?#*$]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** As it stands in the normal form of a path, which keeps some escapes. */
export function normalText(path: string): string {
  return path.replaceAll('%24', '$').replaceAll('%2A', '*').replaceAll(' ', '%20');
}

/** nginx lets the modifier stand at the path without a space. */
function split(words: readonly string[]): { modifier: string; path: string; isBad: boolean } {
  if (words.length === 2) {
    return { modifier: words[0], path: words[1], isBad: !['=', '^~', '~', '~*'].includes(words[0]) };
  }
  const [word] = words;
  const modifier = /^(=|\^~|~\*|~)/.exec(word)?.[1] ?? '';
  return { modifier, path: word.slice(modifier.length), isBad: false };
}

/** `draftsOf`: the routes of one location, each with `match` for what it asks besides the path. */
export function orderRoutes(
  locations: readonly Location[],
  draftsOf: (location: Location) => readonly Draft[],
): Draft[] {
  const made = new Map<Location, readonly Draft[]>(locations.map((location) => [location, draftsOf(location)]));
  const routes: Draft[] = [];
  const emit = (location: Location, path: unknown): void => {
    for (const { route, place } of made.get(location)!) {
      routes.push({ route: { ...route, match: { path, ...(route['match'] as PlainMap | undefined) } }, place });
    }
  };
  const regexes = locations.filter(({ kind }) => kind === 'regex');
  const prefixes = locations.filter(({ kind }) => kind === 'prefix').sort((a, b) => b.path.length - a.path.length);
  const finals = prefixes.filter(({ isFinal }) => isFinal);
  const isSettled = (location: Location): boolean => finals.some(({ path }) => location.path.startsWith(path));

  for (const location of locations) if (location.kind === 'exact') emit(location, { exact: location.path });
  for (const location of prefixes) {
    if (!isSettled(location)) continue;
    // Below a `^~` there is a longer one without: for its paths the expressions count again.
    if (!location.isFinal) {
      for (const regex of regexes) emit(regex, { regex: behindPrefix(normalText(location.path), regex.path) });
    }
    emit(location, location.path);
  }
  for (const location of regexes) emit(location, { regex: location.path });
  for (const location of prefixes) if (!isSettled(location)) emit(location, location.path);
  return routes;
}

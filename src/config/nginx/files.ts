/** `root`, `alias`, `index`, `types` and `try_files`: what a location answers from files, as `files` of the model. */
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { Location } from './locations.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

export interface FilesContext {
  readonly constants: Constants;
  /** What paths that do not begin with a slash are below, with a slash at its end. */
  readonly prefix: string;
  /** The location that this scope is of. */
  locationOf(scope: Scope): Location | null;
  /** Of the route that a named location becomes; null: there is none. */
  readonly nameOf: (location: string) => string | null;
  readonly tables: TypeTables;
  readonly notes: Notes;
}

/** What nginx knows where no `types` is written. */
const TYPES_DEFAULT: Readonly<Record<string, string>> = { html: 'text/html', gif: 'image/gif', jpg: 'image/jpeg' };
const DEFAULT_TYPE = 'text/plain';
const DOT = '.';

/** Tables of types by name, each once. */
export class TypeTables {
  private readonly document: DocumentBuilder;
  private readonly names = new Map<string, string>();

  constructor(document: DocumentBuilder) {
    this.document = document;
  }

  /** The name of the table that holds in this scope. */
  nameFor(scope: Scope): string {
    const table = typesOf(scope);
    const key = JSON.stringify(table);
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const files = (this.document.value['files'] ??= {}) as PlainMap;
    const tables = (files['types'] ??= {}) as PlainMap;
    const name = this.document.freeName(tables, table === TYPES_DEFAULT ? 'nginx-default' : 'nginx');
    tables[name] = table;
    this.names.set(key, name);
    return name;
  }
}

/** By extension, in lower case. */
export function typesOf(scope: Scope): Readonly<Record<string, string>> {
  const written = scope.all('types');
  if (written.length === 0) return TYPES_DEFAULT;
  const table: Record<string, string> = {};
  for (const { block } of written) {
    for (const { name, args } of block ?? []) for (const { text } of args) table[text.toLowerCase()] = name;
  }
  return table;
}

/** Null: nobody has said where files are, or what is said cannot be had, which has been reported. */
export function readFiles(scope: Scope, context: FilesContext): PlainMap | null {
  const place = findPlace(scope);
  const [tried] = scope.own('try_files');
  if (place === null && tried === undefined) return null;
  const located = place === null ? { root: standardRoot(context) } : locate(place.directive, place.scope, context);
  if (located === null) return null;
  const trying = tried === undefined ? {} : readTries(tried, located, context);
  if (trying === null) return null;
  const { path, ...rest } = located;
  const files: PlainMap = { ...rest, ...(tried === undefined && path !== undefined ? { path } : {}), ...trying };
  const index = readIndex(scope, context.notes);
  if (index.length !== 1 || index[0] !== 'index.html') files['index'] = index.length === 1 ? index[0] : index;
  files['types'] = context.tables.nameFor(scope);
  files['default-type'] = scope.argument('default_type') ?? DEFAULT_TYPE;
  files['dotfiles'] = true;
  return files;
}

/**
 * `alias` of a location that is a path without a slash at its end may name a file: what the path alone is answered with. Null: it
 * cannot be one.
 */
export function aliasedFile({ path, kind, scope }: Location, files: PlainMap): PlainMap | null {
  const { root, strip, ...rest } = files as { readonly root: string; readonly strip?: string };
  const isOwn = kind === 'prefix' && strip === plainPath(path) && scope.own('alias').length > 0;
  if (!isOwn || scope.argument('alias')!.endsWith('/') || 'try' in rest) return null;
  const { root: folderOf, rest: name } = split(root, root.length);
  return folderOf === '' ? null : { ...rest, root: folderOf, path: name };
}

/** Those of nginx's folder `html`, where nobody has said where files are; null: somebody has, and it cannot be had. */
export function standardFiles(scope: Scope, context: FilesContext): PlainMap | null {
  if (findPlace(scope) !== null) return null;
  return {
    root: standardRoot(context),
    types: context.tables.nameFor(scope),
    'default-type': scope.argument('default_type') ?? DEFAULT_TYPE,
    dotfiles: true,
  };
}

function standardRoot({ prefix }: FilesContext): string {
  return `${prefix}html`;
}

/** `$document_root` in this block, without a slash at its end; null: nobody has said it, or a variable is in it. */
export function documentRoot(scope: Scope, prefix: string): string | null {
  const text = findPlace(scope)?.directive.args[0].text ?? '$';
  if (text.includes('$')) return null;
  return `${text.startsWith('/') ? '' : prefix}${text}`.replace(/\/+$/, '');
}

/** `alias` is inherited as `root` is. */
function findPlace(scope: Scope): { readonly directive: Directive; readonly scope: Scope } | null {
  const [directive] = [...scope.own('alias'), ...scope.own('root')];
  if (directive !== undefined) return { directive, scope };
  return scope.outer === null ? null : findPlace(scope.outer);
}

interface Located {
  readonly root: string;
  readonly strip?: string;
  readonly path?: string;
}

function locate({ name, args: [word], place }: Directive, scope: Scope, context: FilesContext): Located | null {
  const { constants, notes, prefix } = context;
  const text = word.text.startsWith('/') || word.text.startsWith('$') ? word.text : prefix + word.text;
  const translated = translateText(text, constants);
  const refuse = (reason: string): null => {
    notes.notYet(place, `\`${name} ${word.text}\``, reason);
    return null;
  };
  if ('problem' in translated) return refuse(translated.problem);
  const { template } = translated;
  const variable = template.indexOf('{');
  const location = name === 'alias' ? context.locationOf(scope) : null;
  if (name === 'root') {
    if (variable < 0) return { root: folder(template) };
    const { root, rest } = split(template, variable);
    if (root === '') return refuse('it has to begin with a folder');
    return { root, path: `${rest.replace(/\/$/, '')}{decoded-path}` };
  }
  if (location === null || location.kind === 'named') {
    notes.error(place, 'the "alias" directive cannot be used inside the named location', 'use root');
    return null;
  }
  if (location.kind === 'regex' || location.kind === 'exact') {
    const { root, rest } = split(template, variable < 0 ? template.length : variable);
    if (root === '') return refuse('it has to begin with a folder');
    return { root, path: rest };
  }
  if (variable >= 0) return refuse('with a variable it can only be in a location given by a regular expression');
  const own = plainPath(location.path);
  if (own.endsWith('/') && !template.endsWith('/'))
    notes.trap(
      place,
      `\`alias ${word.text}\` has no slash at its end, as the location has`,
      'write one: nginx puts both together as they are',
    );
  const strip = own.replace(/\/$/, '');
  return strip === '' ? { root: folder(template) } : { root: folder(template), strip };
}

/** The folder that a path is in, as far as it is the same for all requests, and what follows, with its slash. */
function split(template: string, variable: number): { readonly root: string; readonly rest: string } {
  const slash = template.lastIndexOf('/', variable - 1);
  return { root: template.slice(0, Math.max(0, slash)), rest: template.slice(Math.max(0, slash)) };
}

function folder(path: string): string {
  return path.replace(/\/+$/, '') || '/';
}

/** What was written for a location. */
function plainPath(path: string): string {
  return path.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function readIndex(scope: Scope, notes: Notes): readonly string[] {
  const names: string[] = [];
  for (const { args } of scope.all('index')) {
    for (const { text, place } of args) {
      if (text.includes('$') || text.includes('/') || text === DOT) {
        notes.notYet(place, `\`index ${text}\``, 'only a plain name is possible');
      } else names.push(text);
    }
  }
  return names.length === 0 ? ['index.html'] : names;
}

function readTries({ args, place }: Directive, located: Located, context: FilesContext): PlainMap | null {
  const { constants, notes } = context;
  const last = args[args.length - 1];
  const refuse = (text: string, reason: string): null => {
    notes.notYet(place, `\`try_files ... ${text}\``, reason);
    return null;
  };
  // what a root with values begins with
  const front = located.path?.replace('{decoded-path}', '') ?? '';
  if (located.path !== undefined && !located.path.endsWith('{decoded-path}'))
    return refuse(last.text, 'together with an `alias` that is a whole path there is nothing like it yet');
  const paths: string[] = [];
  for (const { text } of args.slice(0, -1)) {
    const translated = translateText(text, constants);
    if ('problem' in translated) return refuse(text, translated.problem);
    const { template } = translated;
    paths.push(`${front}${/^[/{]/.test(template) ? '' : '/'}${template}`);
  }
  return { try: paths, ...readLast(last.text, context, refuse) };
}

function readLast(
  text: string,
  { constants, nameOf }: FilesContext,
  refuse: (text: string, reason: string) => null,
): PlainMap | null {
  if (text.startsWith('@')) {
    const name = nameOf(text);
    return name === null ? refuse(text, 'there is no such location') : { otherwise: { call: name } };
  }
  const code = /^=([0-9]{3})$/.exec(text)?.[1];
  if (code !== undefined) {
    const status = Number(code);
    if (status === 404) return {};
    return status >= 400 && status <= 599 ? { otherwise: { status } } : refuse(text, 'it is no status of an error');
  }
  if (text.startsWith('=')) return refuse(text, 'it is no status');
  const translated = translateText(text, constants);
  if ('problem' in translated) return refuse(text, translated.problem);
  // the query of the request is not for it
  return { otherwise: { to: `${translated.template}?` } };
}

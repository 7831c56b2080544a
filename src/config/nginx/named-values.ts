/** `map`, `geo` and `split_clients`: values by name. */
import { DEFAULTS } from '../model/defaults.ts';
import { parseNetwork } from '../words/addresses.ts';
import { lateNamesOf } from '../check/late-values.ts';
import type { Config, Loose } from '../model/config.ts';
import { USER_VARIABLE } from './auth.ts';
import { AddressRanges, rangeOf } from './address-ranges.ts';
import { addressBehind } from './geo-proxies.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import { type Directive, everyDirective } from './parse.ts';
import { translatePcre } from './pcre.ts';
import { isOfHello } from './preread.ts';
import type { Scope } from './scope.ts';
import { type Constants, hasVariables, sourceOf, translateText } from './variables.ts';

/** Each is compared with, one after the other. */
const CHOICES_MAX = 64;
const VARIABLE = /^\$(\w+)$/;
const NO_CONSTANTS: Constants = new Map();

/** Every name that a `set`, a `map` or the like gives a value, or a group of an expression. */
export function collectNames(directives: readonly Directive[], into: Set<string>): void {
  for (const { name, args } of everyDirective(directives)) {
    const given = /^(set|auth_request_set)$/.test(name)
      ? args[0]
      : /^(map|geo|split_clients)$/.test(name)
        ? args[args.length - 1]
        : undefined;
    const found = VARIABLE.exec(given?.text ?? '')?.[1];
    const isOwn = name !== 'auth_request_set' || sourceOf(found ?? '', NO_CONSTANTS) === null;
    if (found !== undefined && isOwn) into.add(found);
    if (name === 'auth_basic' && args[0]?.text !== 'off') into.add(USER_VARIABLE);
    for (const text of [name, ...args.map((word) => word.text)]) {
      for (const [, group] of text.matchAll(/\(\?P?[<']([A-Za-z_]\w*)[>']/g)) into.add(group);
    }
  }
}

/** Every text that a `set` gives each variable; null: not all of them are known when the file is read. */
function collectSets(directives: readonly Directive[], into: Map<string, Set<string> | null>): void {
  for (const { name, args } of everyDirective(directives)) {
    const variable = /^(set|auth_request_set)$/.test(name) ? VARIABLE.exec(args[0]?.text ?? '')?.[1] : undefined;
    if (variable !== undefined) {
      const known = into.get(variable);
      const isText = name === 'set' && args[1] !== undefined && !hasVariables(args[1].text);
      if (!isText) into.set(variable, null);
      else if (known !== null) into.set(variable, (known ?? new Set()).add(args[1].text));
    }
  }
}

/** What is known where values are read, and their names in the document. */
export interface ValuesPlace {
  readonly place: 'request' | 'connection';
  readonly nameOf: (variable: string) => string;
}

const OF_REQUESTS: ValuesPlace = { place: 'request', nameOf: (variable) => variable };

export class NamedValues {
  private readonly sets = new Map<string, Set<string> | null>();
  private readonly values: PlainMap = {};
  /** Maps of what is known when a request is over: it is an error if anything but a log reads them, and this says so. */
  private readonly ofEnds = new Map<string, () => void>();
  private readonly document: DocumentBuilder;
  private readonly constants: Constants;
  private readonly notes: Notes;

  private readonly where: ValuesPlace;

  /** Of an `http` or `stream` block. */
  constructor(scope: Scope, document: DocumentBuilder, constants: Constants, notes: Notes, where = OF_REQUESTS) {
    this.where = where;
    this.document = document;
    this.constants = constants;
    this.notes = notes;
    collectSets(scope.directives, this.sets);
    for (const directive of scope.directives) {
      if (directive.name === 'map' && isOfHello(directive)) continue;
      if (directive.name === 'map') this.add(directive, (name) => this.readMap(directive, name));
      else if (directive.name === 'geo') this.add(directive, () => this.readGeo(directive));
      else if (directive.name === 'split_clients') this.add(directive, () => this.readSplit(directive));
    }
  }

  /** Gives the document those that something in it reads. */
  finish(): void {
    const { listeners, upstreams, value } = this.document;
    const wanted = this.readBy([listeners, upstreams, value['limiters'] ?? {}]);
    for (const name of wanted) this.ofEnds.get(name)?.();
    this.readBy(value['access-logs'] ?? {}, wanted);
    const all = (this.document.value['values'] ?? {}) as PlainMap;
    for (const name of Object.keys(this.values)) if (wanted.has(name)) all[name] = this.values[name];
    if (Object.keys(all).length > 0) this.document.value['values'] = all;
  }

  /** Those that a part of the document is made of. */
  private readBy(part: unknown, into = new Set<string>()): Set<string> {
    for (const [, name] of JSON.stringify(part).matchAll(/\{value:(\w[\w-]*)\}/g)) {
      if (into.has(name) || !Object.hasOwn(this.values, name)) continue;
      into.add(name);
      this.readBy(this.values[name], into);
    }
    return into;
  }

  /** All texts that a variable can be; null: that is not known, or they are too many. */
  choicesOf(variable: string): readonly string[] | null {
    const texts = new Set<string>();
    if (!this.collectChoices(variable, texts, new Set())) return null;
    texts.delete('');
    return texts.size <= CHOICES_MAX ? [...texts] : null;
  }

  /** Those that are known. `isWhole`: it can be nothing else. */
  textsOf(variable: string): { readonly isWhole: boolean; readonly texts: readonly string[] } {
    const texts = new Set<string>();
    const isWhole = this.collectChoices(this.where.nameOf(variable), texts, new Set());
    return { isWhole, texts: [...texts].filter((text) => text !== '' && !/[{}]/.test(text)) };
  }

  /** False: not all of them are known. `seen`: the variables on the way, so that none is asked twice. */
  private collectChoices(variable: string, into: Set<string>, seen: Set<string>): boolean {
    if (seen.has(variable)) return true;
    seen.add(variable);
    const sets = this.sets.get(variable);
    const value = this.values[variable] as PlainMap | undefined;
    if (sets === null || (value === undefined && sets === undefined)) return false;
    const texts = value === undefined ? [] : textsOf(value);
    return [...(sets ?? []), ...texts].every((text) => {
      const other = /^\{value:(\w+)\}$/.exec(text)?.[1];
      if (other !== undefined) return this.collectChoices(other, into, seen);
      into.add(text);
      return !/[{}]/.test(text);
    });
  }

  /** A response has to be there for it. */
  isLate(variable: string): boolean {
    return lateNamesOf(this.values as Loose<Config>['values']).has(variable);
  }

  /** Why no access log can have it; null: it can. */
  whyNotLogged(variable: string): string | null {
    for (const name of this.readBy(`{value:${variable}}`)) {
      if (this.ofEnds.has(name))
        return 'of what is known when a request is over, only `$status` and `$upstream_...` can be in a `map` yet';
    }
    return null;
  }

  /** One more, under a name near to `wanted` that no file can have. */
  addOwn(wanted: string, value: PlainMap): string {
    for (const [name, known] of Object.entries(this.values)) {
      if (name.startsWith(`${wanted}-`) && JSON.stringify(known) === JSON.stringify(value)) return name;
    }
    let number = 1;
    while (Object.hasOwn(this.values, `${wanted}-${number}`)) number++;
    this.values[`${wanted}-${number}`] = value;
    return `${wanted}-${number}`;
  }

  private add(directive: Directive, read: (name: string) => PlainMap): void {
    const word = directive.args[directive.args.length - 1];
    const name = VARIABLE.exec(word.text)?.[1];
    if (name === undefined) {
      this.notes.error(word.place, `invalid variable name "${word.text}"`, 'write it with a `$`');
      return;
    }
    const own = this.where.nameOf(name);
    this.values[own] = read(name);
    this.document.mark(['values', own], directive.place);
  }

  /** `map`: the value that it is a part of, which may be read when the response is there, or the request over. */
  private text(text: string, directive: Directive, map: string | null = null): string {
    const { place } = this.where;
    const found = translateText(text, this.constants, place === 'request' && map !== null ? 'response' : place);
    if ('template' in found) return found.template;
    const refuse = (): void => this.notes.notYet(directive.place, `\`${text}\``, found.problem);
    if (map !== null && found.isOfEnd === true) this.ofEnds.set(map, refuse);
    else refuse();
    return '';
  }

  private readMap(directive: Directive, variable: string): PlainMap {
    const exact: Record<string, string> = {};
    const hosts: Record<string, string> = {};
    const regex: PlainMap[] = [];
    const value: PlainMap = { map: this.text(directive.args[0].text, directive, this.where.nameOf(variable)) };
    const lines = directive.block ?? [];
    const hasHosts = lines.some(({ name, args }) => name === 'hostnames' && args.length === 0);
    for (const line of lines) {
      const { name, args, place } = line;
      if (args.length === 0 && name === 'hostnames') continue;
      if (args.length === 0 && name === 'volatile') {
        value['volatile'] = true;
        continue;
      }
      if (args.length !== 1 || line.block !== null) {
        this.notes.error(place, 'invalid number of the map parameters', 'write a text and a value');
        continue;
      }
      const to = this.text(args[0].text, line, this.where.nameOf(variable));
      const key = name.startsWith('\\') ? name.slice(1) : name;
      if (name === 'default') value['otherwise'] = to;
      else if (name.startsWith('~')) {
        const isCaseless = name.startsWith('~*');
        const { regex: is, reason } = translatePcre(name.slice(isCaseless ? 2 : 1), isCaseless, true);
        if (is === null) this.notes.notYet(place, `the regular expression \`${name}\``, reason);
        else regex.push({ is, value: to });
      } else {
        const isPattern = hasHosts && /^\*\.|^\.|\.\*$/.test(key);
        const texts = isPattern && key.startsWith('.') ? [key.slice(1), `*${key}`] : [key];
        for (const text of texts) {
          const table = isPattern && text.includes('*') ? hosts : exact;
          const lower = text.toLowerCase();
          if (Object.hasOwn(table, lower)) {
            this.notes.error(place, `conflicting parameter "${text}" in map $${variable}`, 'keep one of them');
          } else table[lower] = to;
        }
      }
    }
    if (Object.keys(exact).length > 0) value['exact'] = exact;
    if (Object.keys(hosts).length > 0) value['hosts'] = hosts;
    if (regex.length > 0) value['regex'] = regex;
    return value;
  }

  private readGeo(directive: Directive): PlainMap {
    const networks: Record<string, string> = {};
    const ranges = new AddressRanges();
    const lines = directive.block ?? [];
    const hasRanges = lines.some(({ name, args }) => name === 'ranges' && args.length === 0);
    const value: PlainMap = {};
    const proxies: string[] = [];
    const isOfRequest = this.where.place === 'request';
    if (directive.args.length > 1) value['of'] = this.text(directive.args[0].text, directive);
    for (const { name, args, place } of lines) {
      const [word] = args;
      if (name === 'ranges' && args.length === 0) continue;
      if (name === 'proxy_recursive' && args.length === 0 && isOfRequest) continue;
      if (word === undefined || args.length > 1) {
        this.notes.error(place, 'invalid number of the geo parameters', 'write a network and a value');
      } else if (name === 'default') value['otherwise'] = word.text;
      else if (name === 'proxy' && isOfRequest) {
        const network = networkOf(word.text);
        if (network === null)
          this.notes.error(place, `invalid network "${word.text}"`, 'write for example 192.0.2.0/24');
        else proxies.push(network);
      } else if (hasRanges) {
        const isDeleted = name === 'delete';
        const text = isDeleted ? word.text : name;
        const range = rangeOf(text);
        if (range === null)
          this.notes.error(place, `invalid range "${text}"`, 'write for example 192.0.2.0-192.0.2.255');
        else if (isDeleted) ranges.remove(range);
        else ranges.set(range, word.text);
      } else if (name === 'delete') delete networks[networkOf(word.text) ?? ''];
      else {
        const network = networkOf(name);
        if (network === null) this.notes.error(place, `invalid network "${name}"`, 'write for example 192.0.2.0/24');
        else networks[network] = word.text;
      }
    }
    if (proxies.length > 0) {
      const isRecursive = lines.some(({ name, args }) => name === 'proxy_recursive' && args.length === 0);
      const of = (value['of'] ?? DEFAULTS.value.of) as string;
      value['of'] = addressBehind(of, proxies, isRecursive, (wanted, one) => this.addOwn(wanted, one));
    }
    return { networks: withoutAddress(hasRanges ? ranges.networks() : networks), ...value };
  }

  private readSplit(directive: Directive): PlainMap {
    const shares: PlainMap[] = [];
    const value: PlainMap = { split: this.text(directive.args[0].text, directive), shares };
    for (const { name, args, place } of directive.block ?? []) {
      const to = args[0]?.text;
      if (to === undefined || args.length > 1) {
        this.notes.error(place, 'invalid number of the split_clients parameters', 'write a share and a value');
      } else if (hasVariables(to)) {
        this.notes.notYet(place, `\`${name} ${to}\``, 'a value of a share is text');
      } else if (name === '*') value['otherwise'] = to;
      else if (/^[0-9]+(\.[0-9]{1,2})?%$/.test(name)) shares.push({ share: name, value: to });
      else this.notes.error(place, `invalid percent value "${name}"`, 'write for example 12.5%, or *');
    }
    return value;
  }
}

/** What nginx has no address of, a client of a Unix socket, is this one for it. */
const NO_ADDRESS = '255.255.255.255';

/** With what they say of no address. */
function withoutAddress(networks: Readonly<Record<string, string>>): Record<string, string> {
  for (let bits = 32; bits >= 0; bits--) {
    const text = networks[networkOf(`${NO_ADDRESS}/${bits}`)!] ?? (bits === 32 ? networks[NO_ADDRESS] : undefined);
    if (text !== undefined) return { ...networks, unix: text };
  }
  return networks;
}

/** What a `map`, a `geo` or a `split_clients` can be. */
function textsOf(value: PlainMap): readonly string[] {
  const tables = ['exact', 'hosts', 'networks'].flatMap((key) => Object.values((value[key] ?? {}) as PlainMap));
  const lists = ['regex', 'shares'].flatMap((key) => ((value[key] ?? []) as PlainMap[]).map((line) => line['value']));
  return [...tables, ...lists, value['otherwise'] ?? ''].map(String);
}

/** With the bits behind the prefix cleared, as nginx does it; null: it is none. */
export function networkOf(text: string): string | null {
  if (text === '0/0') return '0.0.0.0/0';
  if (parseNetwork(text).problem === null) return text;
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text);
  if (match === null || Number(match[2]) > 32) return null;
  const numbers = match[1].split('.').map(Number);
  if (numbers.length !== 4 || numbers.some((number) => number > 255)) return null;
  const bits = Number(match[2]);
  const cleared = numbers.map((number, i) => number & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
  const network = `${cleared.join('.')}/${bits}`;
  return parseNetwork(network).problem === null ? network : null;
}

/**
 * Whether each directive is one that nginx knows, stands where it may and has what it takes; and what the table says of it once
 * and for all. What a directive means is the readers' business.
 */
import { nearest, orList } from '../findings/suggest.ts';
import { DIRECTIVE_NAMES, ruleIn, rulesFor, type Rule } from './directive-table.ts';
import { checkOnly } from './only.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';

/** The context inside of a block; null: whatever is in it is data. */
function contextInside(name: string, context: string): string | null {
  if (context === 'stream') return name === 'server' || name === 'upstream' ? `stream-${name}` : null;
  if (name === 'if') return `${context}-if`;
  return ['events', 'http', 'stream', 'server', 'upstream', 'location', 'limit_except'].includes(name) ? name : null;
}

/** May be written several times although it takes one argument. */
const REPEATABLE: ReadonlySet<string> = new Set(
  (
    'allow deny env load_module set_real_ip_from proxy_hide_header proxy_pass_header debug_connection server ' +
    'location upstream mirror ssl_certificate ssl_certificate_key ssl_session_ticket_key sub_filter_types resolver error_log return ' +
    'fastcgi_hide_header fastcgi_pass_header uwsgi_hide_header uwsgi_pass_header scgi_hide_header scgi_pass_header ' +
    'grpc_hide_header grpc_pass_header index include perl_modules ancient_browser_value'
  ).split(' '),
);

/** Directives that only say that something is not done. */
function isOff({ args }: Directive): boolean {
  return args.length === 1 && /^(off|none)$/i.test(args[0].text);
}

/** Those that are right in this, with what is right of their blocks. */
export function checkStructure(directives: readonly Directive[], context: string, notes: Notes): readonly Directive[] {
  const seen = new Map<string, Directive>();
  const sound: Directive[] = [];
  for (const directive of directives) {
    const rule = findRule(directive, context, notes);
    if (rule === null) continue;
    if (!hasRightForm(directive, rule, notes)) continue;
    const first = seen.get(rule.name);
    if (first !== undefined && rule.max === 1 && rule.min === 1 && !rule.isBlock && !REPEATABLE.has(rule.name)) {
      const fix = `keep one; the first is on line ${first.place.line}`;
      notes.error(directive.place, `"${rule.name}" directive is duplicate`, fix);
      continue;
    }
    seen.set(rule.name, directive);
    tellState(directive, rule, notes);
    checkOnly(directive, notes);
    const inside = directive.block === null ? null : contextInside(rule.name, context);
    const block = inside === null ? directive.block : checkStructure(directive.block!, inside, notes);
    sound.push(block === directive.block ? directive : { ...directive, block });
  }
  if (sound.length < directives.length) notes.setLacking(sound);
  return sound.length === directives.length && sound.every((one, i) => one === directives[i]) ? directives : sound;
}

/** Of modules that nginx does not come with, and that many have. */
const OF_OTHER_MODULES: readonly (readonly [names: RegExp, fix: string])[] = [
  [/^more_set_headers$/, 'write `add_header NAME VALUE always`: it is of a module of others, headers-more'],
  [/^more_clear_headers$/, 'write `proxy_hide_header NAME`: it is of a module of others, headers-more'],
  [/^more_(set|clear)_input_headers$/, 'write `proxy_set_header`: it is of a module of others, headers-more'],
  [
    /^brotli(_|$)|^zstd(_|$)/,
    'leave it out: it is of a module of others; in evenkeel.yaml Brotli is `compress: { codings: [br, gzip] }`',
  ],
  [/^geoip2(_|$)/, 'write a `geo` with networks: it is of a module of others, and there is no such module'],
  [/_by_lua(_|$)|^lua_/, 'keep nginx for this part: it is of a module of others, and there is no Lua'],
  [/^vhost_traffic_status|^check(_http|_|$)|^upstream_fair|^fair$/, 'leave it out: it is of a module of others'],
];

function findRule({ name, place }: Directive, context: string, notes: Notes): Rule | null {
  const rule = ruleIn(name, context);
  if (rule !== null) return rule;
  const known = rulesFor(name);
  if (known.length > 0) {
    const places = [...new Set(known.flatMap(({ contexts }) => contexts))];
    const fix = `write it in ${orList(places.map((one) => (one === 'main' ? 'the file itself' : `\`${one.replace('-', ' ')}\``)))}`;
    notes.error(place, `"${name}" directive is not allowed here`, fix);
    return null;
  }
  const elsewhere = OF_OTHER_MODULES.find(([names]) => names.test(name))?.[1];
  const near = elsewhere === undefined ? nearest(name, DIRECTIVE_NAMES) : null;
  const fix =
    elsewhere !== undefined
      ? elsewhere
      : near === null
        ? 'leave it out: no module of nginx that evenkeel knows has such a directive'
        : `write ${near}`;
  notes.error(place, `unknown directive "${name}"`, fix);
  return null;
}

function hasRightForm({ name, args, block, place }: Directive, rule: Rule, notes: Notes): boolean {
  if (rule.isBlock && block === null) {
    notes.error(place, `directive "${name}" has no opening "{"`, 'write its block in braces');
    return false;
  }
  if (!rule.isBlock && block !== null) {
    const reason = `directive "${name}" is not terminated by ";"`;
    notes.error(place, reason, 'end it with ";"; a "{" in an argument needs quotes');
    return false;
  }
  const runaway = args.length > rule.max ? args.findIndex(({ place: at }) => at.line > place.line) : -1;
  if (runaway >= 0) {
    const end = runaway === 0 ? place : args[runaway - 1].place;
    const reason = `invalid number of arguments in "${name}" directive`;
    notes.error(place, reason, `end it with ";" on line ${end.line}: ${args[runaway].text} belongs to it without one`);
    return false;
  }
  if (args.length < rule.min || args.length > rule.max) {
    const wanted = rule.max === Infinity ? `at least ${rule.min}` : rangeText(rule);
    const fix = `write ${wanted}, not ${args.length}; an argument with spaces needs quotes`;
    notes.error(place, `invalid number of arguments in "${name}" directive`, fix);
    return false;
  }
  if (rule.isFlag && !/^(on|off)$/i.test(args[0].text)) {
    const reason = `invalid value "${args[0].text}" in "${name}" directive, it must be "on" or "off"`;
    notes.error(args[0].place, reason, 'write on or off');
    return false;
  }
  return true;
}

function rangeText({ min, max }: Rule): string {
  return min === max ? String(min) : `${min} to ${max}`;
}

function tellState(directive: Directive, rule: Rule, notes: Notes): void {
  const { name, place } = directive;
  if (rule.state === 'no effect') notes.noEffect(place, name);
  else if (rule.state === 'left out' && !isOff(directive)) notes.leftOut(place, name, rule.note);
  else if (rule.state === 'not yet' && !isOff(directive)) notes.notYet(place, `\`${name}\``, plain(rule.note));
}

/** A note of the docs as a part of a sentence. */
function plain(note: string): string {
  return note.replaceAll('**', '');
}

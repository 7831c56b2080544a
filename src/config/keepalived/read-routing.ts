/**
 * Lines of virtual_routes and virtual_rules: what ip-route(8) and ip-rule(8) take, as far as a virtual router here can have it.
 * What has no counterpart is refused with its place.
 */
import { formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import { ROUTE_SCOPES, type RouteKind, type RouteScope, type RuleKind } from '../../base/kernel-routing.ts';
import { parseIp } from '../words/addresses.ts';
import type { Reading } from './directive.ts';
import { blockOf } from './directive.ts';
import type { Placed, RouteDraft, RuleDraft } from './draft.ts';
import type { Statement } from './statements.ts';

const NUMBER_MAX = 2 ** 32 - 1;
const ROUTE_TYPES: ReadonlySet<string> = new Set<RouteKind>(['blackhole', 'unreachable', 'prohibit', 'throw']);
const RULE_TYPES: ReadonlySet<string> = new Set<RuleKind>(['blackhole', 'unreachable', 'prohibit']);

/** Of iproute2 itself; the others are in files that differ between machines. */
const TABLES: ReadonlyMap<string, number> = new Map([
  ['main', 254],
  ['default', 253],
  ['local', 255],
]);

const ROUTE_NOT_YET: ReadonlySet<string> = new Set(
  (
    'from tos dsfield hoplimit advmss rtt rttvar reordering window cwnd ssthresh realms rto_min initcwnd initrwnd features ' +
    'quickack congctl pref ttl-propagate fastopen_no_cookie encap nexthop weight or append vrf local broadcast multicast anycast nat no_track'
  ).split(' '),
);
const RULE_NOT_YET: ReadonlySet<string> = new Set(
  'not tos dsfield goto nop realms suppress_prefixlength suppress_ifgroup tun_id uidrange l3mdev ip_proto ipproto sport dport nat map-to no_track'.split(
    ' ',
  ),
);

export function readRoutes(into: Placed<RouteDraft>[], statement: Statement, reading: Reading): void {
  for (const line of blockOf(statement, reading)) {
    const value = routeOf(new Words(line, 'virtual_routes', reading));
    if (value !== null) into.push({ value, place: line.place });
  }
}

/** Without a preference they have keepalived's: 16384, 16383 ... of each family. */
export function readRules(into: Placed<RuleDraft>[], statement: Statement, reading: Reading): void {
  for (const line of blockOf(statement, reading)) {
    const value = ruleOf(new Words(line, 'virtual_rules', reading));
    if (value !== null) into.push({ value, place: line.place });
  }
}

/** The words of a line, the first one too, each with its place. Null is what was wrong, and has been said. */
class Words {
  readonly line: Statement;
  readonly reading: Reading;
  readonly block: string;
  private readonly texts: readonly string[];
  private next = 0;

  constructor(line: Statement, block: string, reading: Reading) {
    this.line = line;
    this.block = block;
    this.reading = reading;
    this.texts = [line.keyword, ...line.words.map(({ text }) => text)];
  }

  take(): string | null {
    return this.next < this.texts.length ? this.texts[this.next++] : null;
  }

  /** What is next, if it is that. */
  skip(text: string): void {
    if (this.texts[this.next] === text) this.next++;
  }

  /** Of the word that was taken last. */
  get place(): Statement['place'] {
    return this.next <= 1 ? this.line.place : this.line.placeOf(this.next - 2);
  }

  value(option: string): string | null {
    const at = this.place;
    const text = this.take();
    if (text === null) this.reading.report.error(at, `\`${option}\` has no value`, 'write it, or leave the word out');
    return text;
  }

  bad(text: string, fix: string): null {
    this.reading.report.badArgument(this.place, text, this.block, fix);
    return null;
  }

  notYet(option: string): null {
    this.reading.report.notYet(this.place, option, `\`${this.block}\` has no such thing here`, 'leave it out for now');
    return null;
  }

  number(option: string, min: number, max: number): number | null {
    const text = this.value(option);
    return text === null ? null : (numberOf(text, min, max) ?? this.bad(text, `write a number from ${min} to ${max}`));
  }

  address(option: string): string | null {
    const text = this.value(option);
    if (text === null) return null;
    const { value } = parseIp(text);
    return value === null ? this.bad(text, 'write an IP address') : value.address;
  }

  table(option: string): number | null {
    const text = this.value(option);
    if (text === null) return null;
    const fix = 'write its number, as in /etc/iproute2/rt_tables';
    return TABLES.get(text) ?? numberOf(text, 1, NUMBER_MAX) ?? this.bad(text, fix);
  }

  device(option: string): string | null {
    const text = this.value(option);
    if (text === null || /^[^\s/]{1,15}$/.test(text)) return text;
    return this.bad(text, 'write at most 15 characters, for example eth0');
  }
}

type Draft<T> = { -readonly [key in keyof T]: T[key] };

function routeOf(words: Words): RouteDraft | null {
  const route: Draft<RouteDraft> = { to: '', type: 'unicast' };
  let isIpv6 = false;
  let hasTo = false;
  for (let option = words.take(); option !== null; option = words.take()) {
    let value: string | number | null = '';
    if (option === 'inet' || option === 'inet6') isIpv6 = option === 'inet6';
    else if (ROUTE_TYPES.has(option)) route.type = option as RouteKind;
    else if (option === 'unicast') route.type = option;
    else if (option === 'onlink') route.isOnLink = true;
    else if (option === 'via' || option === 'gw') {
      words.skip('inet');
      words.skip('inet6');
      value = words.address(option);
      route.via = value ?? undefined;
    } else if (option === 'src') {
      value = words.address(option);
      route.source = value ?? undefined;
    } else if (option === 'dev' || option === 'oif') {
      value = words.device(option);
      route.device = value ?? undefined;
    } else if (option === 'table') {
      value = words.table(option);
      route.table = value ?? undefined;
    } else if (option === 'metric' || option === 'priority' || option === 'preference') {
      value = words.number(option, 0, NUMBER_MAX);
      route.metric = value ?? undefined;
    } else if (option === 'mtu') {
      words.skip('lock');
      value = words.number(option, 68, 65535);
      route.mtu = value ?? undefined;
    } else if (option === 'scope') {
      const scope = scopeOf(words);
      route.scope = scope ?? undefined;
      value = scope;
    } else if (option === 'protocol') {
      value = words.value(option);
      words.reading.report.leftOut(words.place, option, 'routes have the protocol 112 here, to be known again');
    } else if (ROUTE_NOT_YET.has(option)) value = words.notYet(option);
    else {
      value = option === 'to' ? words.value(option) : option;
      if (value !== null) value = destinationOf(value) ?? words.bad(value, 'write a network, for example 10.20.0.0/16');
      if (value !== null && hasTo) value = words.bad(option, 'write one network a line');
      route.to = value ?? '';
      hasTo = true;
    }
    if (value === null) return null;
  }
  if (!hasTo) {
    words.reading.report.error(words.line.place, 'the route leads nowhere', 'write the network that it leads to');
    return null;
  }
  if (route.to === DEFAULT) route.to = isIpv6 || (route.via ?? route.source ?? '').includes(':') ? '::/0' : '0.0.0.0/0';
  return route;
}

function ruleOf(words: Words): RuleDraft | null {
  const rule: Draft<RuleDraft> = { type: 'lookup' };
  let isIpv6 = false;
  for (let option = words.take(); option !== null; option = words.take()) {
    let value: string | number | null = '';
    if (option === 'inet' || option === 'inet6') isIpv6 = option === 'inet6';
    else if (RULE_TYPES.has(option)) rule.type = option as RuleKind;
    else if (option === 'from' || option === 'to') {
      value = words.value(option);
      if (value !== null) value = sourceOf(value) ?? words.bad(value, 'write a network, for example 192.0.2.0/24');
      rule[option] = value ?? undefined;
    } else if (option === 'table' || option === 'lookup') {
      value = words.table(option);
      rule.table = value ?? undefined;
    } else if (['preference', 'priority', 'order'].includes(option)) {
      value = words.number(option, 1, NUMBER_MAX);
      rule.preference = value ?? undefined;
    } else if (option === 'iif' || option === 'dev') {
      value = words.device(option);
      rule.inDevice = value ?? undefined;
    } else if (option === 'oif') {
      value = words.device(option);
      rule.outDevice = value ?? undefined;
    } else if (option === 'fwmark') {
      value = words.value(option);
      const [mark, mask, rest] = (value ?? '').split('/').map((part) => numberOf(part, 0, NUMBER_MAX));
      if (value !== null && (mark === null || mask === null || rest !== undefined)) {
        value = words.bad(value, 'write a number, or a number and a mask: 24/12');
      }
      rule.mark = mark ?? undefined;
      rule.mask = mask ?? undefined;
    } else if (option === 'protocol') {
      value = words.value(option);
      words.reading.report.leftOut(words.place, option, 'rules have the protocol 112 here, to be known again');
    } else value = RULE_NOT_YET.has(option) ? words.notYet(option) : words.bad(option, 'leave it out');
    if (value === null) return null;
  }
  const family = isIpv6 || `${rule.from}${rule.to}`.includes(':') ? '::/0' : '0.0.0.0/0';
  for (const key of ['from', 'to'] as const) if (rule[key] === DEFAULT) rule[key] = family;
  if (rule.from === undefined && rule.to === undefined) rule.from = family;
  if (rule.type !== 'lookup' || rule.table !== undefined) return rule;
  words.reading.report.error(words.line.place, 'the rule does nothing', 'write `table NUMBER`');
  return null;
}

const DEFAULT = 'default';

function scopeOf(words: Words): RouteScope | null {
  const text = words.value('scope');
  if (text === null) return null;
  const known: readonly (readonly [string, number])[] = [...Object.entries(ROUTE_SCOPES), ['universe', 0]];
  const number = known.find(([name]) => name === text)?.[1] ?? numberOf(text, 0, 255);
  const found = Object.entries(ROUTE_SCOPES).find(([, scope]) => scope === number);
  return found === undefined ? words.bad(text, 'write global, site, link, host or nowhere') : (found[0] as RouteScope);
}

function destinationOf(text: string): string | null {
  return text === DEFAULT || text === 'any' || text === 'all' ? DEFAULT : networkOf(text, false);
}

/** The kernel leaves the bits of a host out of a rule. */
function sourceOf(text: string): string | null {
  return text === DEFAULT || text === 'any' || text === 'all' ? DEFAULT : networkOf(text, true);
}

function networkOf(text: string, isMasked: boolean): string | null {
  const [address, bits, rest] = text.split('/');
  const bytes = parseIPv4(address) ?? parseIPv6(address);
  if (bytes === null || rest !== undefined) return null;
  const bitsMax = 8 * bytes.length;
  const length = bits === undefined ? bitsMax : numberOf(bits, 0, bitsMax);
  if (length === null) return null;
  const network = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));
  if (!isMasked && network.some((byte, i) => byte !== bytes[i])) return null;
  return `${formatIP(network)}/${length}`;
}

function numberOf(text: string, min: number, max: number): number | null {
  const value = Number(text);
  return /^[0-9]{1,10}$/.test(text) && value >= min && value <= max ? value : null;
}

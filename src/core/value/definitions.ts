/**
 * The kinds of definitions: a value by what another one says (map), by an address (networks), by chance that always falls the same
 * way (split), or by what there is on this machine (presence).
 */
import { CapturingRegex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { murmur2 } from '../../base/murmur2.ts';
import type { MapPlan, NetworksPlan, PresencePlan, SplitPlan, ValuePlan } from '../../config/plan.ts';
import { IpWords, parseIpText } from '../../wire/ip-text.ts';
import { NameTable } from './name-table.ts';
import { NetworkTree } from './network-tree.ts';
import type { RequestView } from './request-view.ts';
import { Span } from './span.ts';
import { Template } from './template.ts';
import { keepMatch } from './match.ts';
import type { Definition } from './variables.ts';

const DOT = 0x2e;
const found = new Span();
const ip = new IpWords();

export function defineValue(plan: ValuePlan): Definition<RequestView> {
  switch (plan.kind) {
    case 'map':
      return new MapDefinition(plan);
    case 'networks':
      return new NetworksDefinition(plan);
    case 'split':
      return new SplitDefinition(plan);
    case 'presence':
      return new PresenceDefinition(plan);
  }
}

/** Texts of which most are never looked at: each is prepared when it is wanted first. */
class Texts {
  private readonly texts: readonly string[];
  private readonly templates: Template[] = [];

  constructor(texts: readonly string[]) {
    this.texts = texts;
  }

  get(index: number): Template {
    return (this.templates[index] ??= new Template(this.texts[index], encodeUtf8));
  }
}

function tableOf(names: readonly string[], first: number): NameTable {
  return new NameTable(new Map(names.map((name, i) => [name, first + i])));
}

class MapDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept: boolean;
  private readonly of: Template;
  private readonly exact: NameTable;
  private readonly suffixes: NameTable;
  private readonly prefixes: NameTable;
  private readonly hasHosts: boolean;
  private readonly regexes: readonly CapturingRegex[];
  private readonly firstRegex: number;
  private readonly otherwise: number;
  private readonly texts: Texts;

  constructor(plan: MapPlan) {
    this.name = plan.name;
    this.isKept = plan.isKept;
    this.of = new Template(plan.of, encodeUtf8);
    const suffixes = plan.hosts.filter(([host]) => host.startsWith('*.'));
    const prefixes = plan.hosts.filter(([host]) => host.endsWith('.*'));
    this.hasHosts = plan.hosts.length > 0;
    this.exact = tableOf(
      plan.exact.map(([text]) => text),
      0,
    );
    this.suffixes = tableOf(
      suffixes.map(([host]) => host.slice(2)),
      plan.exact.length,
    );
    this.prefixes = tableOf(
      prefixes.map(([host]) => host.slice(0, -2)),
      plan.exact.length + suffixes.length,
    );
    this.firstRegex = plan.exact.length + suffixes.length + prefixes.length;
    this.regexes = plan.regexes.map(([regex]) => new CapturingRegex(regex));
    this.otherwise = this.firstRegex + plan.regexes.length;
    this.texts = new Texts([
      ...[...plan.exact, ...suffixes, ...prefixes, ...plan.regexes].map(([, text]) => text),
      plan.otherwise,
    ]);
  }

  choose(view: RequestView, draft: Uint8Array): Template {
    this.of.read(view, draft, found);
    const { bytes, at, length } = found;
    let end = at + length;
    if (this.hasHosts && end > at && bytes[end - 1] === DOT) end--;
    const exact = this.exact.find(bytes, at, end - at);
    if (exact >= 0) return this.texts.get(exact);
    if (this.hasHosts) {
      const host = this.findHost(bytes, at, end);
      if (host >= 0) return this.texts.get(host);
    }
    for (let i = 0; i < this.regexes.length; i++) {
      if (!this.regexes[i].exec(bytes, at, length)) continue;
      keepMatch(this.regexes[i], view, bytes, at, length);
      return this.texts.get(this.firstRegex + i);
    }
    return this.texts.get(this.otherwise);
  }

  /** The longest name behind `*.`, then the longest in front of `.*`. */
  private findHost(bytes: Uint8Array, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      if (bytes[i] !== DOT || i === at) continue;
      const suffix = this.suffixes.find(bytes, i + 1, end - i - 1);
      if (suffix >= 0) return suffix;
    }
    for (let i = end - 1; i > at; i--) {
      if (bytes[i] !== DOT) continue;
      const prefix = this.prefixes.find(bytes, at, i - at);
      if (prefix >= 0) return prefix;
    }
    return -1;
  }
}

class NetworksDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept = true;
  private readonly of: Template;
  private readonly tree = new NetworkTree();
  private readonly texts: Texts;

  constructor(plan: NetworksPlan) {
    this.name = plan.name;
    this.of = new Template(plan.of, encodeUtf8);
    plan.networks.forEach(([network], i) => {
      const text = encodeUtf8(network.address);
      parseIpText(text, 0, text.length, ip);
      this.tree.add(ip, network.family === 4 ? network.bits + 96 : network.bits, i + 1);
    });
    this.texts = new Texts([plan.otherwise, ...plan.networks.map(([, text]) => text)]);
  }

  choose(view: RequestView, draft: Uint8Array): Template {
    this.of.read(view, draft, found);
    const isAddress = parseIpText(found.bytes, found.at, found.end, ip);
    return this.texts.get(isAddress ? this.tree.find(ip) : 0);
  }
}

class SplitDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept = true;
  private readonly of: Template;
  /** Behind the last hash of each share. */
  private readonly ends: readonly number[];
  private readonly texts: Texts;

  constructor(plan: SplitPlan) {
    this.name = plan.name;
    this.of = new Template(plan.of, encodeUtf8);
    let sum = 0;
    this.ends = plan.shares.map(([share]) => {
      sum += share;
      return Math.floor((sum * 0xffffffff) / 10_000);
    });
    this.texts = new Texts([...plan.shares.map(([, text]) => text), plan.otherwise]);
  }

  choose(view: RequestView, draft: Uint8Array): Template {
    this.of.read(view, draft, found);
    const hash = murmur2(found.bytes, found.at, found.length);
    const share = this.ends.findIndex((end) => hash < end);
    return this.texts.get(share < 0 ? this.ends.length : share);
  }
}

class PresenceDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept = true;
  private readonly text: Template;

  constructor({ name, isThere }: PresencePlan) {
    this.name = name;
    this.text = new Template(isThere ? '1' : '', encodeUtf8);
  }

  choose(): Template {
    return this.text;
  }
}

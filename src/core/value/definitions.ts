/**
 * The kinds of definitions: a value by what another one says (map), by an address (networks), by chance that always falls the same
 * way (split), or by what there is on this machine (presence).
 */
import { encodeUtf8 } from '../../base/text.ts';
import { murmur2 } from '../../base/murmur2.ts';
import type { MapPlan, NetworksPlan, PresencePlan, SplitPlan, ValuePlan } from '../../config/plan/value.ts';
import { IpWords, parseIpText } from '../../wire/ip-text.ts';
import { MapTable } from './map-table.ts';
import { NetworkTree } from './network-tree.ts';
import type { RequestView } from './request-view.ts';
import { Span } from './span.ts';
import { Template } from './template.ts';
import { keepMatch } from './match.ts';
import type { Definition } from './variables.ts';

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

class MapDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept: boolean;
  private readonly of: Template;
  private readonly table: MapTable;
  private readonly texts: Texts;

  constructor(plan: MapPlan) {
    this.name = plan.name;
    this.isKept = plan.isKept;
    this.of = new Template(plan.of, encodeUtf8);
    this.table = new MapTable(plan);
    this.texts = new Texts(this.table.texts);
  }

  choose(view: RequestView, draft: Uint8Array): Template {
    this.of.read(view, draft, found);
    const { bytes, at, length } = found;
    const line = this.table.find(bytes, at, length);
    const regex = this.table.regexOf(line);
    if (regex !== null) keepMatch(regex, view, bytes, at, length);
    return this.texts.get(line);
  }
}

class NetworksDefinition implements Definition<RequestView> {
  readonly name: string;
  readonly isKept = true;
  private readonly of: Template;
  private readonly tree = new NetworkTree();
  /** Where in `texts` that of no address is. */
  private readonly unix: number;
  private readonly texts: Texts;

  constructor(plan: NetworksPlan) {
    this.name = plan.name;
    this.of = new Template(plan.of, encodeUtf8);
    plan.networks.forEach(([network], i) => {
      const text = encodeUtf8(network.address);
      parseIpText(text, 0, text.length, ip);
      this.tree.add(ip, network.family === 4 ? network.bits + 96 : network.bits, i + 1);
    });
    this.unix = plan.networks.length + 1;
    this.texts = new Texts([plan.otherwise, ...plan.networks.map(([, text]) => text), plan.unix]);
  }

  choose(view: RequestView, draft: Uint8Array): Template {
    this.of.read(view, draft, found);
    if (found.length === 0) return this.texts.get(this.unix);
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

/** `allow`, `deny` and `limit_except`: who may come, as values by network that a step asks. */
import { UNIX } from '../words/addresses.ts';
import type { PlainMap } from './document.ts';
import { type NamedValues, networkOf } from './named-values.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';

interface Rule {
  readonly isAllowed: boolean;
  /** Null: all. */
  readonly network: string | null;
}

/** What answers who may not come; null: nothing is said of it. `allow`: everybody may; `deny`: nobody may. */
export function readAccess(scope: Scope, values: NamedValues, notes: Notes): PlainMap | 'allow' | 'deny' | null {
  const rules = readRules(directivesOf(scope), notes);
  const [exception] = scope.own('limit_except');
  for (const { name, place } of exception?.block ?? []) {
    if (name !== 'allow' && name !== 'deny')
      notes.notYet(place, `\`${name}\` in \`limit_except\``, 'only `allow` and `deny` are possible');
  }
  const inside = exception === undefined ? [] : readRules(exception.block ?? [], notes);
  if (exception !== undefined && inside.length > 0) {
    const methods = exceptedMethods(exception);
    const own = decisionOf(rules, values);
    const exact = Object.fromEntries(methods.map((method) => [method.toLowerCase(), own]));
    const name = values.addOwn('access', { map: '{method}', exact, otherwise: decisionOf(inside, values) });
    return { value: `{value:${name}}`, is: 'deny' };
  }
  if (rules.length === 0) return null;
  const decision = decisionOf(rules, values);
  return decision === 'allow' || decision === 'deny' ? decision : { value: decision, is: 'deny' };
}

/**
 * The step for requests with other methods than `limit_except` names, for which nothing of the location's rewriting is done; null: there
 * is no such block.
 */
export function exceptionStep(scope: Scope): PlainMap | null {
  const [exception] = scope.own('limit_except');
  if (exception === undefined) return null;
  const names = exceptedMethods(exception).map((name) => name.replace(/[^A-Z]/g, (char) => `\\${char}`));
  return { if: { value: '{method}', 'not-regex': `^(?:${names.join('|')})$` }, do: [{ stop: true }] };
}

function exceptedMethods({ args }: Directive): string[] {
  const methods = args.map(({ text }) => text.toUpperCase());
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

/** Those of the nearest block that has any, in their order. */
function directivesOf(scope: Scope): readonly Directive[] {
  for (let from: Scope | null = scope; from !== null; from = from.outer) {
    if (from.own('allow').length + from.own('deny').length === 0) continue;
    return from.directives.filter(({ name }) => name === 'allow' || name === 'deny');
  }
  return [];
}

function readRules(directives: readonly Directive[], notes: Notes): Rule[] {
  const rules: Rule[] = [];
  for (const { name, args } of directives) {
    if (name !== 'allow' && name !== 'deny') continue;
    const [{ text }] = args;
    const network = text === 'all' ? null : text === 'unix:' ? UNIX : networkOf(text);
    if (network === null && text !== 'all') {
      notes.error(args[0].place, `invalid parameter "${text}"`, 'write an address, a network, unix: or all');
    } else rules.push({ isAllowed: name === 'allow', network });
  }
  return rules;
}

/** Of a server of `stream`, as `access` of its listener; null: everybody may come. */
export function readStreamAccess(scope: Scope, notes: Notes): PlainMap | null {
  const { networks, otherwise } = tableOf(readRules(directivesOf(scope), notes));
  const isOpen = Object.values(networks).every((decision) => decision === otherwise) && otherwise === 'allow';
  return isOpen ? null : { networks, ...(otherwise === 'deny' ? {} : { otherwise }) };
}

/** `allow`, `deny`, or a value that is one of both. */
function decisionOf(rules: readonly Rule[], values: NamedValues): string {
  const { networks, otherwise } = tableOf(rules);
  const differs = Object.values(networks).some((decision) => decision !== otherwise);
  return differs ? `{value:${values.addOwn('access', { networks, otherwise })}}` : otherwise;
}

/** The first rule counts: of networks in each other, one that comes later and is narrower is never reached. */
function tableOf(rules: readonly Rule[]): { readonly networks: Record<string, string>; readonly otherwise: string } {
  const networks: Record<string, string> = {};
  for (const { isAllowed, network } of rules) {
    const decision = isAllowed ? 'allow' : 'deny';
    if (network === null) return { networks, otherwise: decision };
    if (!Object.keys(networks).some((earlier) => covers(earlier, network))) networks[network] = decision;
  }
  return { networks, otherwise: 'allow' };
}

/** Whether the addresses of `inner` are all in `outer`. */
function covers(outer: string, inner: string): boolean {
  if (outer === UNIX || inner === UNIX) return outer === inner;
  const [a, b] = [outer, inner].map(bitsOf);
  return b.startsWith(a);
}

/** The bits of a network's prefix, behind those of the family. */
function bitsOf(network: string): string {
  const [address, length = address.includes(':') ? '128' : '32'] = network.split('/');
  if (!address.includes(':'))
    return `4${address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')}`.slice(0, 1 + Number(length));
  const [front, back] = address.split('::');
  const missing = 8 - groupsOf(front).length - groupsOf(back).length;
  const all = address.includes('::')
    ? [...groupsOf(front), ...Array<string>(missing).fill('0'), ...groupsOf(back)]
    : groupsOf(front);
  return `6${all.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('')}`.slice(
    0,
    1 + Number(length),
  );
}

function groupsOf(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(':');
}

/** What a TCP listener does by values: values of a connection, for it sees no request. */
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, ListenerConfig, Loose } from '../model/config.ts';
import { entriesOf } from '../model/parts.ts';
import type { Report } from './report.ts';
import { CONNECTION_SOURCES, parseTemplate } from '../words/template.ts';
import type { UpstreamUses } from './upstream-uses.ts';

type Listener = Loose<ListenerConfig>;
/** Those that have values in them. */
const KEYS = ['set', 'choose', 'respond', 'bandwidth'] as const;

/** Of another protocol. */
export function refuseTcpKeys(listener: Listener, protocol: string, path: Path, report: Report): void {
  for (const key of [...KEYS, 'tries'] as const) {
    if (listener[key] !== undefined)
      report.atKey([...path, key], 'wrong-protocol', { key, protocol, fix: 'leave it out, or write `protocol: tcp`' });
  }
}

/** `name`: of the listener. */
export function checkTcp(name: string, listener: Listener, path: Path, uses: UpstreamUses, report: Report): void {
  for (const [text, target] of entriesOf(listener.choose?.cases)) {
    const at = [...path, 'choose', 'cases', text];
    report.oneOf(target, at, ['upstream', 'respond']);
    if (target.upstream === undefined) continue;
    uses.add(target.upstream, [...at, 'upstream'], 'tcp', name);
    if (listener.passthrough !== undefined) uses.addPassed(target.upstream, name);
  }
  if (listener.respond !== undefined && listener.upstream !== undefined) {
    const reason = 'clients are answered';
    report.atKey([...path, 'upstream'], 'no-effect', { key: 'upstream', reason, fix: 'leave out one of both' });
  }
}

/** Where values of a request stand that are asked for where there is none. */
export function checkConnectionValues(document: Loose<Config>, uses: UpstreamUses, report: Report): void {
  for (const [name, { hash }] of entriesOf(document.upstreams)) {
    const use = uses.of(name);
    if (use?.tcp !== undefined && use.http === undefined)
      checkPart(hash?.text, ['upstreams', name, 'hash', 'text'], document, report);
  }
  for (const [name, listener] of entriesOf(document.listeners)) {
    if (listener.protocol !== 'tcp') continue;
    for (const key of KEYS) checkPart(listener[key], ['listeners', name, key], document, report);
  }
}

function checkPart(part: unknown, path: Path, document: Loose<Config>, report: Report): void {
  if (typeof part === 'string') {
    const value = requestValueIn(part, document);
    if (value !== null) report.atValue(path, 'value-of-request', { value: show(value) });
  } else if (typeof part === 'object' && part !== null) {
    for (const [key, inner] of Object.entries(part)) checkPart(inner, [...path, key], document, report);
  }
}

/** The first value in a text that only a request has, as it is written there; null: there is none. */
export function requestValueIn(text: string, document: Loose<Config>, seen = new Set<string>()): string | null {
  for (const part of parseTemplate(text)) {
    if (typeof part === 'string') continue;
    if (part.kind === 'value') {
      const value = document.values?.[part.name];
      if (value === undefined || seen.has(part.name)) continue;
      seen.add(part.name);
      const inner = textsIn(value).find((one) => requestValueIn(one, document, seen) !== null);
      if (inner !== undefined) return `{value:${part.name}}`;
    } else if (!CONNECTION_SOURCES.has(part.kind))
      return part.name === null ? `{${part.kind}}` : `{${part.kind}:${part.name}}`;
  }
  return null;
}

function textsIn(part: unknown): readonly string[] {
  if (typeof part === 'string') return [part];
  return typeof part === 'object' && part !== null ? Object.values(part).flatMap(textsIn) : [];
}

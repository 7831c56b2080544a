/**
 * A list of servers that came from elsewhere: read and checked as those of a file are, by the same rules. It may say less than a file: no
 * programs, no checks, no Unix sockets.
 */
import { LineCounter, parseDocument } from 'yaml';
import { assert } from '../base/assert.ts';
import { compile } from '../config/compile/compile.ts';
import { DEFAULTS } from '../config/model/defaults.ts';
import type { DiscoveryPlan, ServerPlan } from '../config/plan/upstream.ts';
import { loadYaml } from '../config/yaml/load.ts';
import { isDeeperThan } from './nesting.ts';

/** In bytes. Who would do harm with a list has no more than some tenths of a second of the keeper's with it. */
export const LIST_BYTES_MAX = 64 * 1024;
export const LIST_SERVERS_MAX = 500;
/** A list of maps has two. */
const DEPTH_MAX = 8;
const HTTPS_PORT = DEFAULTS.upstream.httpsPort;
const KEYS: ReadonlySet<string> = new Set(['address', 'weight', 'state', 'max-connections', 'backup', 'id', 'copy']);

export type ReadList = FoundList | { readonly problem: string };

export interface FoundList {
  readonly servers: readonly ServerPlan[];
  /** What the list says of each of them, in their order. */
  readonly entries: readonly unknown[];
}

/** `text`: JSON, or YAML. `nameOf`: what one of it is called, by its index, where it has no other name than that. */
export function readList(
  text: string,
  discovery: DiscoveryPlan,
  nameOf = (index: number): string => `server ${index + 1}`,
): ReadList {
  if (isDeeperThan(text, DEPTH_MAX))
    return { problem: 'it has lists and maps inside each other, deeper than any server' };
  const lines = new LineCounter();
  // Errors with a part of the text, and keys that are compared with each other, take seconds where a text is full of them.
  const document = parseDocument(text, {
    lineCounter: lines,
    logLevel: 'error',
    prettyErrors: false,
    uniqueKeys: false,
  });
  if (document.errors.length > 0) {
    const [{ message, pos }] = document.errors;
    const { col, line } = lines.linePos(pos[0]);
    return { problem: `it is no JSON or YAML: ${message} at line ${line}, column ${col}` };
  }
  let list: unknown;
  try {
    list = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { problem: `it is no list of servers: ${(error as Error).message}` };
  }
  if (!Array.isArray(list)) return { problem: 'it is not a list of servers, for example ["192.0.2.1:80"]' };
  if (list.length === 0) return { problem: 'it has no server' };
  if (list.length > LIST_SERVERS_MAX)
    return { problem: `it has ${list.length} servers, and at most ${LIST_SERVERS_MAX} are taken` };
  for (const [index, server] of list.entries()) {
    const why = whyNot(server);
    if (why !== null) return { problem: `${nameOf(index)}: ${why}` };
  }
  return checked(list, discovery, nameOf);
}

function whyNot(server: unknown): string | null {
  if (typeof server === 'string') return server.startsWith('unix:') ? 'a list has no Unix sockets' : null;
  if (typeof server !== 'object' || server === null) return 'it is neither an address nor a map with one';
  const { address } = server as { address?: unknown };
  if (typeof address === 'string' && address.startsWith('unix:')) return 'a list has no Unix sockets';
  const unknown = Object.keys(server).find((key) => !KEYS.has(key));
  return unknown === undefined ? null : `a list does not say \`${unknown}\`: ${[...KEYS].join(', ')}`;
}

/** Of the document in which a list is checked. */
const LINES_BEFORE = 1;

/** As a file would say it. */
function checked(list: readonly unknown[], { port }: DiscoveryPlan, nameOf: (index: number) => string): ReadList {
  const protocol = port === null ? 'tcp' : 'http';
  // without it an `id` would be refused
  const sticky = protocol === 'http' && list.some(hasId) ? { sticky: { id: '{cookie:any}' } } : {};
  const leads = protocol === 'tcp' ? { upstream: 'found' } : { routes: [{ upstream: 'found' }] };
  const document = {
    listeners: { any: { bind: '127.0.0.1:1', protocol, ...leads } },
    upstreams: { found: { ...sticky, ...(port === HTTPS_PORT ? { tls: { verify: false } } : {}), servers: [] } },
  };
  // each on a line of its own, which says whose a problem is
  const lines = list.map((server) => JSON.stringify(server)).join(',\n');
  const text = JSON.stringify(document).replace(/\[\]\}\}\}$/, () => `[\n${lines}\n]}}}`);
  const { config, diagnostics } = loadYaml(text, { file: 'list' });
  const wrong = diagnostics.find(({ severity }) => severity !== 'warning');
  if (wrong !== undefined) {
    const index = wrong.line - LINES_BEFORE - 1;
    const whose = index >= 0 && index < list.length ? `${nameOf(index)}: ` : '';
    return { problem: `${whose}${wrong.message}; ${wrong.remedy}` };
  }
  assert(config !== null, 'nothing is wrong with it');
  return { servers: compile(config, { workers: 1 }).upstreams[0].servers, entries: list };
}

/** What `sticky` of the upstream may go by. */
function hasId(server: unknown): boolean {
  return typeof server === 'object' && server !== null && 'id' in server;
}

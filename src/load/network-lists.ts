/**
 * Reading the lists of networks that values name: a network or an address a line, as blocklists and clouds publish them, with comments behind `#` or `;`. They become
 * networks of the value as if they were written there; what is written there goes before.
 */
import { resolve } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import { type Diagnostic, diagnose, type Path, problem, type SourceMap } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import { entriesOf } from '../config/model/parts.ts';
import { parseNetwork } from '../config/words/addresses.ts';
import { readRegularFile } from './regular-file.ts';

/** By path as it is written: its networks. */
export type NetworkLists = ReadonlyMap<string, readonly string[]>;

export interface ReadNetworkLists {
  readonly lists: NetworkLists;
  readonly diagnostics: readonly Diagnostic[];
}

export const NO_READ_LISTS: ReadNetworkLists = { lists: new Map(), diagnostics: [] };

const FILE_BYTES_MAX = 2 * 1024 * 1024;
/** Each is a network of a plan, which every proxy has. */
const NETWORKS_MAX = 20_000;

/** Each once, with the first place that names it. */
export function networkListsOf(config: Loose<Config>): ReadonlyMap<string, Path> {
  const files = new Map<string, Path>();
  for (const [name, { lists }] of entriesOf(config.values))
    for (const file of Object.keys(lists ?? {})) if (!files.has(file)) files.set(file, ['values', name, 'lists', file]);
  return files;
}

export function readNetworkLists(
  config: Loose<Config>,
  source: SourceMap,
  folderOf: (path: Path) => string,
): ReadNetworkLists {
  const lists = new Map<string, readonly string[]>();
  const diagnostics: Diagnostic[] = [];
  for (const [file, at] of networkListsOf(config)) {
    try {
      lists.set(file, parseList(readRegularFile(resolve(folderOf(at), file), FILE_BYTES_MAX).bytes.toString('latin1')));
    } catch (error) {
      diagnostics.push(
        diagnose(problem('network-list', { path: file, reason: systemReason(error) }), source.locate(at, 'key')),
      );
    }
  }
  return { lists, diagnostics };
}

/** Throws an error for people where a line is no network: a list that is half right keeps out half of them. */
export function parseList(text: string): readonly string[] {
  const networks: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const [network] = /^[^#;]*/.exec(line)!.map((part) => part.trim());
    if (network === '') continue;
    const wrong = parseNetwork(network, '').problem;
    if (wrong !== null) throw new Error(`line ${i + 1} is no network: ${network.slice(0, 60)} (${wrong.args['fix']})`);
    if (networks.push(network) > NETWORKS_MAX) throw new Error(`it has more than ${NETWORKS_MAX} networks`);
  }
  return networks;
}

/** With what the lists say among the networks of its values. */
export function withLists(config: Config, lists: NetworkLists): Config {
  if (lists.size === 0) return config;
  const values = Object.entries(config.values ?? {}).map(([name, value]) => {
    const networks: Record<string, string> = {};
    for (const [file, text] of Object.entries(value.lists ?? {}))
      for (const network of lists.get(file) ?? []) networks[network] ??= text;
    return [
      name,
      value.lists === undefined
        ? value
        : Object.assign({}, value, { networks: Object.assign(networks, value.networks) }),
    ] as const;
  });
  return { ...config, values: Object.fromEntries(values) };
}

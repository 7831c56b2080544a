/** UDP listeners whose servers are UDP listeners of the same file, and lead back: a datagram would go round until a table is full. */
import { isLoopback } from '../base/address.ts';
import type { ServerAddress } from './addresses.ts';
import { parseBind, parseServer } from './addresses.ts';
import type { Path } from './diagnostic.ts';
import type { Config, Loose } from './model.ts';
import { entriesOf, itemsOf, listOf } from './parts.ts';
import type { BindPlan } from './plan.ts';
import type { Report } from './report.ts';

interface Node {
  readonly name: string;
  readonly upstream: string;
  readonly binds: readonly BindPlan[];
}

/** A server that is a listener. */
interface Edge {
  readonly path: Path;
  readonly to: Node;
}

/** By upstream. */
type Edges = Map<string, readonly Edge[]>;

export function checkCircles(document: Loose<Config>, report: Report): void {
  const nodes = nodesOf(document);
  const edges: Edges = new Map();
  for (const { upstream } of nodes) if (!edges.has(upstream)) edges.set(upstream, edgesOf(upstream, nodes, document));
  const reported = new Set<string>();
  for (const node of nodes) {
    for (const { path, to } of edges.get(node.upstream) ?? []) {
      const key = JSON.stringify(path);
      if (reported.has(key) || !leadsTo(node, to, edges)) continue;
      reported.add(key);
      report.atValue(path, 'datagram-circle', { listener: to.name, back: node.name });
    }
  }
}

function nodesOf(document: Loose<Config>): readonly Node[] {
  return entriesOf(document.listeners).flatMap(([name, { bind, protocol, upstream }]) => {
    if (protocol !== 'udp' || upstream === undefined) return [];
    const binds = listOf(bind).map((text) => parseBind(text).value);
    return [{ name, upstream, binds: binds.filter((each) => each !== null) }];
  });
}

function edgesOf(upstream: string, nodes: readonly Node[], document: Loose<Config>): readonly Edge[] {
  const path: Path = ['upstreams', upstream, 'servers'];
  return itemsOf(document.upstreams?.[upstream]?.servers, path).flatMap(({ path: at, value: server }) => {
    const text = typeof server === 'string' ? server : server.address;
    const parsed = text === undefined ? null : parseServer(text).value;
    const to = parsed === null ? undefined : nodes.find(({ binds }) => binds.some((bind) => isAt(bind, parsed)));
    return to === undefined ? [] : [{ path: typeof server === 'string' ? at : [...at, 'address'], to }];
  });
}

/** Of a listener that has all addresses, only those of loopback are known. */
function isAt({ address, dual }: BindPlan, { target }: ServerAddress): boolean {
  if ('hostname' in target || address.family === 0 || target.port !== address.port) return false;
  if (target.host === address.host) return true;
  const isAny = address.host === '::' || address.host === '0.0.0.0';
  return isAny && isLoopback(target) && (dual || address.family === target.family);
}

function leadsTo(goal: Node, from: Node, edges: Edges): boolean {
  const seen = new Set([from]);
  for (const node of seen) for (const { to } of edges.get(node.upstream) ?? []) seen.add(to);
  return seen.has(goal);
}

/** UDP listeners whose servers are UDP listeners of the same file, and lead back: a datagram would go round until a table is full. */
import { parseBind } from '../words/addresses.ts';
import type { Path } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf, listOf } from '../model/parts.ts';
import type { BindPlan } from '../plan/listener.ts';
import type { Report } from './report.ts';
import { isAt, serverPlacesOf } from './server-places.ts';

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
  return serverPlacesOf(document, upstream).flatMap(({ path, address }) => {
    const to = nodes.find(({ binds }) => binds.some((bind) => isAt(bind, address)));
    return to === undefined ? [] : [{ path, to }];
  });
}

function leadsTo(goal: Node, from: Node, edges: Edges): boolean {
  const seen = new Set([from]);
  for (const node of seen) for (const { to } of edges.get(node.upstream) ?? []) seen.add(to);
  return seen.has(goal);
}

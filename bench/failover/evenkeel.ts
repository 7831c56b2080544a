/** evenkeel with its defaults, one proxy as nginx has one worker. */
import { execFileSync } from 'node:child_process';
import { DEFAULT_HA, EvenkeelNode } from '../../src/lab/evenkeel-node.ts';
import type { Balancer, Pair } from '../../src/lab/pair.ts';
import type { Contender } from './contender.ts';

export function evenkeel(program: readonly [string, string]): Contender {
  const nodes = new Map<string, EvenkeelNode>();
  const nodeOf = (pair: Pair, host: Balancer): EvenkeelNode => {
    const key = pair.network.namespace(host);
    const node = nodes.get(key) ?? new EvenkeelNode(pair, host, program);
    nodes.set(key, node);
    return node;
  };
  return {
    name: 'evenkeel',
    version: execFileSync(program[0], [program[1], '--version'], { encoding: 'utf8' }).trim(),
    start: (pair, host, intervalMs) => nodeOf(pair, host).start({ ...DEFAULT_HA, intervalMs }),
    stop: async (pair, host) => nodeOf(pair, host).askToStop(),
    handOver: (pair, host) => nodeOf(pair, host).handOver(),
    pids: (pair, host, part) => nodeOf(pair, host).pids(part),
  };
}

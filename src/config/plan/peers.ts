/** The links of one node to the others. */
import { parseServer } from '../words/addresses.ts';
import type { Config } from '../model/config.ts';

export interface PeersPlan {
  /** This node. */
  readonly node: string;
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  readonly peers: readonly PeerPlan[];
}

export interface PeerPlan {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly fingerprint: string;
}

/** Null: there are none. Of a configuration that was checked for this node. */
export function compilePeers({ peers }: Pick<Config, 'peers'>, node: string | null): PeersPlan | null {
  if (peers === undefined || node === null) return null;
  const all = Object.entries(peers).map(([name, { address, fingerprint }]): PeerPlan => {
    const target = parseServer(address).value?.target;
    return target === undefined || !('host' in target)
      ? { name, host: '', port: 0, fingerprint }
      : { name, host: target.host, port: target.port, fingerprint };
  });
  const own = all.find(({ name }) => name === node);
  if (own === undefined) return null;
  return { node, host: own.host, port: own.port, peers: all.filter((peer) => peer !== own) };
}

/** The `peers` part: whether this node is one of them, and each has an address and a key of its own. */
import { parseServer } from '../words/addresses.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf } from '../model/parts.ts';
import type { Report } from './report.ts';

/** `node`: null where it is not known. */
export function checkPeers(peers: Loose<Config>['peers'], node: string | null, report: Report): void {
  if (peers === undefined) return;
  const entries = entriesOf(peers);
  const names = entries.map(([name]) => name);
  if (node !== null && !names.includes(node) && report.isWhole(['peers'])) {
    const fix = `add it to \`peers\`, or say with \`node\` which of them this is`;
    report.atKey(['peers'], 'unknown-node', { node, nodes: names.join(', '), fix });
  }
  if (entries.length === 1 && report.isWhole(['peers'])) {
    report.atKey(['peers'], 'no-effect', {
      key: 'peers',
      reason: 'there is no other node',
      fix: 'add the others, with this one',
    });
  }
  const seen = { address: new Map<string, string>(), fingerprint: new Map<string, string>() };
  for (const [name, peer] of entries) {
    for (const key of ['address', 'fingerprint'] as const) {
      const value = peer[key];
      if (value === undefined) continue;
      const other = seen[key].get(value);
      if (other === undefined) seen[key].set(value, name);
      else report.atValue(['peers', name, key], 'peer-twice', { key, value: show(value), other });
    }
    const server = peer.address === undefined ? null : parseServer(peer.address).value;
    if (server !== null && (!('host' in server.target) || server.target.family === 0 || !server.hasPort)) {
      report.atValue(['peers', name, 'address'], 'bad-peer-address', { value: show(peer.address) });
    }
  }
}

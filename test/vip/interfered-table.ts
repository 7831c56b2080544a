/** To be run in a network namespace of its own: others change tables just when ours is made. Prints what is found of it then, a line each. */
import { spawnSync } from 'node:child_process';
import { ForwardingTable } from '../../src/io/linux/nftables/forwarding-table.ts';
import { TrackingSettings } from '../../src/io/linux/nftables/tracking-settings.ts';
import type { Buckets, ForwardingRules } from '../../src/port/forwarding.ts';

const MAP = { name: 'shells-0-4', family: 4, directPort: null, size: 16_361 } as const;
const SERVER = { family: 4, host: '10.9.2.11', port: 22 } as const;
const RULES: ForwardingRules = {
  services: [
    {
      protocol: 'tcp',
      address: { family: 4, host: '192.0.2.10', port: 22 },
      forward: 'nat',
      by: 'source-port',
      kept: null,
      map: MAP.name,
      servers: [SERVER],
    },
  ],
  maps: [MAP],
};
const BUCKETS: ReadonlyMap<string, Buckets> = new Map([[MAP.name, Array.from({ length: MAP.size }, () => SERVER)]]);

const table = new ForwardingTable('evenkeel-interfered');
for (const args of ['flush ruleset', 'add table inet other', '']) {
  // What comes behind the transaction.
  TrackingSettings.prototype.apply = (): readonly string[] => {
    if (args !== '') spawnSync('nft', args.split(' '));
    return [];
  };
  process.stdout.write(`${table.replace(RULES, BUCKETS, [])} ${table.verify(BUCKETS)}\n`);
}
table.remove();

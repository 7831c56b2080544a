import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../config/plan/plan.ts';
import { setupOf } from './server-setup.ts';

const PORT = { port: 80 };
const UPSTREAMS = [
  {
    name: 'web',
    servers: [{ target: { family: 4, host: '10.9.2.1', ...PORT } }, { target: { hostname: 'b', ...PORT } }],
  },
  { name: 'other', servers: [{ target: { family: 4, host: '10.9.2.2', ...PORT } }] },
];
const BINDS = [
  { address: { family: 4, host: '192.0.2.10', ...PORT } },
  { address: { family: 6, host: '2001:db8::10', ...PORT } },
];

function setup(inKernel: string): string {
  return setupOf({ listeners: [{ inKernel, upstream: 0, binds: BINDS }], upstreams: UPSTREAMS } as unknown as Plan);
}

test('servers that answer directly are told which addresses they need', () => {
  assert.equal(
    setup('dsr'),
    `# upstream web, on 10.9.2.1:80 b:80
sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
ip address add 192.0.2.10/32 dev lo
ip address add 2001:db8::10/128 dev lo
`,
  );
  assert.equal(setup('nat'), '# no listener has `forward: dsr`\n');
});

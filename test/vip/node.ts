/**
 * A node with virtual addresses and nothing else, for tests: `node.js <plan.json> <run directory>`. What happens is told on
 * stdout as JSON lines; commands come in on stdin as JSON lines.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createLog } from '../../src/keeper/log/log.ts';
import { VipLink } from '../../src/keeper/ha/vip-link.ts';
import { createVipMachine } from '../../src/process/vip-host.ts';
import type { VipPlan } from '../../src/vip/plan.ts';
import type { NodeCommand, NodeMessage } from './virtual-node.ts';

const [planFile, runDirectory] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile, 'utf8')) as VipPlan;
const main = fileURLToPath(new URL('../../../bin/evenkeel', import.meta.url));

const say = (message: NodeMessage): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};
const machine = createVipMachine([process.execPath, main], runDirectory, null, true);
const broken = createVipMachine(['false', main], runDirectory, null, true);
let isBroken = false;
const link = new VipLink({
  ...machine,
  spawn: (role, watched) => (isBroken ? broken : machine).spawn(role, watched),
  heritage: null,
  onOtherProgram: () => undefined,
  plan,
  log: createLog((line) => process.stderr.write(line), Date.now),
  onChange: (change) => say({ type: 'change', change }),
  onEvidence: (router, evidence) => say({ type: 'evidence', router, evidence }),
  onRestraint: (change) => say({ type: 'restraint', change }),
  onAskServing: (router) => say({ type: 'ask-serving', router }),
  onEndConnections: () => undefined,
  onLeaseKnown: () => undefined,
});

createInterface(process.stdin).on('line', (line) => {
  const command = JSON.parse(line) as NodeCommand;
  switch (command.type) {
    case 'tracked':
    case 'witnesses':
    case 'lease':
      link.setVerdict(command);
      break;
    case 'hand-over':
      link.handOver(command.router, null);
      break;
    case 'resume':
      link.resume(command.router);
      break;
    case 'serving':
      link.setServing(command.router, command.verdict);
      break;
    case 'break':
      ({ isBroken } = command);
      break;
    case 'status':
      say({ type: 'status', status: link.status().map(({ status }) => status), process: link.process });
      break;
    case 'apply':
      void link.apply(command.plan, []).then(() => say({ type: 'applied' }));
      break;
    case 'stop':
      void link.stop().then(() => process.exit(0));
      break;
    case 'kill':
      link.kill();
      process.exit(0);
  }
});

await link.start();
say({ type: 'started' });

/** The conversation that a plan asks for. */
import type { HealthPlan } from '../../../config/plan/health.ts';
import type { Dialogue } from './dialogue.ts';
import { DnsDialogue } from './dns.ts';
import { ExpectDialogue } from './expect.ts';
import { MysqlDialogue } from './mysql.ts';
import { PostgresDialogue } from './postgres.ts';
import { RedisDialogue } from './redis.ts';
import { SshDialogue } from './ssh.ts';
import { UdpDialogue } from './udp.ts';

export type DialogueProbe = Exclude<HealthPlan['probe'], { kind: 'tcp' | 'http' | 'grpc' | 'run' | 'file' }>;

export function createDialogue(plan: DialogueProbe): Dialogue {
  switch (plan.kind) {
    case 'mysql':
      return new MysqlDialogue(plan.user);
    case 'postgres':
      return new PostgresDialogue(plan.user);
    case 'redis':
      return new RedisDialogue();
    case 'ssh':
      return new SshDialogue();
    case 'dns':
      return new DnsDialogue(plan.name);
    case 'udp':
      return new UdpDialogue(plan.send);
    case 'expect':
      return new ExpectDialogue(plan.send, plan.expect);
  }
}

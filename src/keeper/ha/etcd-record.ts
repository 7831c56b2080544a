/**
 * One record in an etcd cluster, by its JSON gateway (etcd 3.4 and later). Reads and writes are linearizable, which is etcd's default: a member that
 * does not reach the majority does not answer them.
 */
import { systemReason } from '../../base/system-error.ts';
import type { LeasePlan } from '../../config/plan/ha.ts';
import type { LeaseAnswer, LeaseQuestion, LeaseRecord } from '../../core/lease/lease.ts';
import { base64, EtcdMembers, parseObject } from '../etcd-members.ts';
import { printable } from '../log/log.ts';

/** What etcd has said, as far as it is read. Its 64-bit numbers are texts. */
interface KeyValue {
  readonly value?: string;
  readonly mod_revision?: string;
}

interface Said {
  readonly header?: { readonly revision?: string };
  readonly kvs?: readonly KeyValue[];
  readonly succeeded?: boolean;
}

const ANSWER_CHARACTERS_MAX = 64 * 1024;
/** Longer than the name of any node. */
const HOLDER_CHARACTERS_MAX = 256;

export class EtcdRecord {
  private readonly plan: LeasePlan;
  private readonly timeoutMs: number;
  private readonly members: EtcdMembers;
  /** What was wrong with the last answer; null: nothing. */
  problem: string | null = null;

  constructor(plan: LeasePlan, timeoutMs: number) {
    this.plan = plan;
    this.members = new EtcdMembers(plan);
    this.timeoutMs = timeoutMs;
  }

  get memberUrl(): string {
    return this.members.url;
  }

  close(): void {
    this.members.close();
  }

  /** Never rejects. After a failure the next member is asked. */
  async ask(question: LeaseQuestion): Promise<LeaseAnswer> {
    try {
      const answer = question.kind === 'read' ? await this.read() : await this.write(question);
      this.problem = null;
      return answer;
    } catch (error) {
      this.problem = `${this.memberUrl}: ${printable(systemReason(error))}`;
      this.members.handleFailure();
      return { kind: 'failed' };
    }
  }

  private async read(): Promise<LeaseAnswer> {
    const { kvs } = await this.post('/v3/kv/range', { key: base64(this.plan.key) });
    return { kind: 'record', record: kvs === undefined || kvs.length === 0 ? null : recordOf(kvs[0]) };
  }

  private async write({ count, holder, revision }: Extract<LeaseQuestion, { kind: 'write' }>): Promise<LeaseAnswer> {
    const key = base64(this.plan.key);
    const { header, succeeded } = await this.post('/v3/kv/txn', {
      compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: String(revision) }],
      success: [{ request_put: { key, value: base64(JSON.stringify({ holder, count })) } }],
    });
    if (succeeded !== true) return { kind: 'conflict' };
    return { kind: 'written', revision: Number(header?.revision) };
  }

  private async post(path: string, body: unknown): Promise<Said> {
    return this.members.post(path, body, { timeoutMs: this.timeoutMs, charactersMax: ANSWER_CHARACTERS_MAX });
  }
}

/** What somebody else has written there is nobody's lease: it counts as long as any. */
function recordOf({ mod_revision: revision, value = '' }: KeyValue): LeaseRecord {
  const written = Buffer.from(value, 'base64').toString('utf8');
  const { count, holder }: { readonly holder?: unknown; readonly count?: unknown } = parseObject(written) ?? {};
  return {
    holder: typeof holder === 'string' ? printable(holder.slice(0, HOLDER_CHARACTERS_MAX)) : 'somebody else',
    count: typeof count === 'number' ? count : 0,
    revision: Number(revision),
  };
}

/**
 * What a fleet has in etcd: the record under its key, and what each node says of itself under `KEY/nodes/NAME`, for as long as it says it. Reads are
 * linearizable, and writes compare what they replace.
 */
import * as z from 'zod';
import { systemReason } from '../../base/system-error.ts';
import type { FleetOptions } from '../../cli/fleet.ts';
import type { NodeReport, RolloutRecord } from '../../core/rollout/record.ts';
import { base64, EtcdMembers } from '../../keeper/etcd-members.ts';
import { printable } from '../../keeper/log/log.ts';

/** It does not answer, or not as it should. */
export class StoreError extends Error {}

/** A record, and what has to be compared when it is replaced. 0: there is none. */
export interface Kept {
  readonly record: RolloutRecord | null;
  readonly revision: string;
}

const TIMEOUT_MS = 5_000;
/** etcd takes requests of 1.5 MiB; two versions, in base64. */
const CHARACTERS_MAX = 8 * 1024 * 1024;
/** A node that has not spoken for so long is not there. */
const REPORT_TTL_S = 15;

/** Whoever may write to etcd is no one who may write to a terminal. */
const Text = z.string().transform(printable);
const Version = z.object({ version: z.number(), configuration: z.unknown() });
const Record = Version.extend({
  nodes: z.array(Text).nullable(),
  former: Version.nullable(),
  stopped: z.object({ why: Text, by: Text }).nullable(),
  watchMs: z.number(),
  by: Text,
});
const Report = z.object({
  node: Text,
  version: z.number().nullable(),
  wanted: z.number().nullable(),
  state: z.enum(['keeps', 'watches', 'refuses']),
  why: Text,
});
const Range = z.object({
  kvs: z.array(z.object({ value: z.string().default(''), mod_revision: z.string() })).default([]),
});

const Granted = z.object({ ID: z.string() });
/** Of one that is over it is 0, which etcd leaves out. */
const Renewed = z.object({ result: z.object({ TTL: z.string().default('0') }) });

export class FleetStore {
  private readonly key: string;
  private readonly members: EtcdMembers;
  private lease: string | null = null;

  constructor({ ca, certificate, etcd, key, privateKey }: FleetOptions) {
    this.key = key;
    const client = certificate === null || privateKey === null ? null : { certificate, privateKey };
    this.members = new EtcdMembers({ members: etcd, ca, client });
  }

  /** Throws StoreError. */
  async read(): Promise<Kept> {
    const [kept] = said(Range, await this.post('/v3/kv/range', { key: base64(this.key) })).kvs;
    if (kept === undefined) return { record: null, revision: '0' };
    const { data, error } = Record.safeParse(parsed(kept.value));
    if (error !== undefined) throw new StoreError(`${this.key} in etcd is not what a fleet has`);
    return { record: data, revision: kept.mod_revision };
  }

  /** False: somebody else has changed it since it was read. Throws StoreError. */
  async replace({ revision }: Kept, record: RolloutRecord): Promise<boolean> {
    const key = base64(this.key);
    const answer = await this.post('/v3/kv/txn', {
      compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
      success: [{ request_put: { key, value: base64(JSON.stringify(record)) } }],
    });
    return 'succeeded' in answer && answer.succeeded === true;
  }

  /** Of the nodes that are there, by name. What cannot be read is nobody's. Throws StoreError. */
  async reports(): Promise<readonly NodeReport[]> {
    const first = base64(`${this.key}/nodes/`);
    // `0` follows on `/`
    const answer = await this.post('/v3/kv/range', { key: first, range_end: base64(`${this.key}/nodes0`) });
    return said(Range, answer).kvs.flatMap(({ value }) => Report.safeParse(parsed(value)).data ?? []);
  }

  /** It is there until `REPORT_TTL_S` after the last time. Throws StoreError. */
  async tell(report: NodeReport): Promise<void> {
    this.lease = this.lease === null ? await this.grant() : await this.renew(this.lease);
    const key = base64(`${this.key}/nodes/${report.node}`);
    await this.post('/v3/kv/put', { key, value: base64(JSON.stringify(report)), lease: this.lease });
  }

  /** This node says nothing more. */
  async leave(): Promise<void> {
    if (this.lease !== null) await this.post('/v3/lease/revoke', { ID: this.lease }).catch(() => undefined);
    this.members.close();
  }

  private async grant(): Promise<string> {
    return said(Granted, await this.post('/v3/lease/grant', { TTL: REPORT_TTL_S })).ID;
  }

  /** Another one if it is over. */
  private async renew(lease: string): Promise<string> {
    const answer = await this.post('/v3/lease/keepalive', { ID: lease });
    return said(Renewed, answer).result.TTL === '0' ? this.grant() : lease;
  }

  private async post(path: string, body: object): Promise<object> {
    const { url } = this.members;
    try {
      return await this.members.post(path, body, { timeoutMs: TIMEOUT_MS, charactersMax: CHARACTERS_MAX });
    } catch (error) {
      this.members.handleFailure();
      this.lease = null;
      throw new StoreError(`${url}: ${systemReason(error)}`);
    }
  }
}

function said<T>(schema: z.ZodType<T>, answer: object): T {
  const { data, error } = schema.safeParse(answer);
  if (error !== undefined) throw new StoreError('its answer is not that of etcd');
  return data;
}

function parsed(base64Text: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64Text, 'base64').toString('utf8'));
  } catch {
    return null;
  }
}

/** The members of an etcd cluster: one of them is asked for as long as it answers. */
import { readFileSync } from 'node:fs';
import type https from 'node:https';
import type { EtcdPlan } from '../config/plan/etcd.ts';

export class EtcdMembers {
  private readonly plan: EtcdPlan;
  /** Index of the one that is asked. */
  private member = 0;
  private files: Pick<https.RequestOptions, 'ca' | 'cert' | 'key'> | null = null;

  constructor(plan: EtcdPlan) {
    this.plan = plan;
  }

  get url(): string {
    return this.plan.members[this.member];
  }

  /** Of questions to it. Throws if a file cannot be read. */
  get tls(): Pick<https.RequestOptions, 'ca' | 'cert' | 'key'> {
    if (!this.url.startsWith('https:')) return {};
    const { ca, client } = this.plan;
    this.files ??= {
      ...(ca === null ? {} : { ca: readFileSync(ca) }),
      ...(client === null ? {} : { cert: readFileSync(client.certificate), key: readFileSync(client.privateKey) }),
    };
    return this.files;
  }

  /** The one that was asked has failed: the next one is. */
  handleFailure(): void {
    this.member = (this.member + 1) % this.plan.members.length;
    // they may have been renewed
    this.files = null;
  }
}

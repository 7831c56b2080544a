/** How the authority is shown that a name is ours: by the proxies (http-01, tls-alpn-01), or by a program of the operator's (dns-01). */
import { createHash } from 'node:crypto';
import type { AcmePlan } from '../../config/plan/acme.ts';
import type { FindUser } from '../../port/host.ts';
import type { RunCommand } from '../ha/command.ts';
import { chooseUser } from '../ha/command-user.ts';
import type { Log } from '../log/log.ts';
import { refused } from './acme-client.ts';
import type { Proof } from './order.ts';

/** What the proxies answer with. */
export interface ProxyProof extends Proof {
  readonly challenge: 'http-01' | 'tls-alpn-01';
}

export interface ChallengesOptions {
  /** Has all proxies answer by these, and by no others. Resolves when they do; rejects if they cannot. */
  readonly publish: (proofs: readonly ProxyProof[]) => Promise<void>;
  readonly runCommand: RunCommand;
  readonly findUser: FindUser;
  readonly ownUid: number;
  readonly log: Log;
}

/** It may have to wait until all servers of a zone have the record. */
const PROGRAM_MS_MAX = 10 * 60_000;

export class Challenges {
  private readonly options: ChallengesOptions;
  private published: readonly ProxyProof[] = [];

  constructor(options: ChallengesOptions) {
    this.options = options;
  }

  /** `signal` ends the program. */
  async present(plan: AcmePlan, proofs: readonly Proof[], signal: AbortSignal): Promise<void> {
    const { challenge } = plan;
    if (challenge === 'dns-01') {
      for (const proof of proofs) {
        signal.throwIfAborted();
        await this.run(plan, 'present', proof, signal);
      }
      return;
    }
    this.published = [...this.published, ...proofs.map((proof) => ({ ...proof, challenge }))];
    await this.options.publish(this.published);
  }

  /** Never rejects: what is left over harms nobody. */
  async withdraw(plan: AcmePlan, proofs: readonly Proof[]): Promise<void> {
    try {
      if (plan.challenge === 'dns-01') {
        for (const proof of proofs) await this.run(plan, 'cleanup', proof);
        return;
      }
      this.published = this.published.filter(({ token }) => !proofs.some((proof) => proof.token === token));
      await this.options.publish(this.published);
    } catch (error) {
      this.options.log.warn(`an answer to a challenge could not be taken back: ${(error as Error).message}`);
    }
  }

  /** RFC 8555 section 8.4. */
  private async run(
    { program, users }: AcmePlan,
    what: 'present' | 'cleanup',
    proof: Proof,
    signal?: AbortSignal,
  ): Promise<void> {
    const { runCommand, findUser, ownUid } = this.options;
    const user = chooseUser(users, ownUid, findUser);
    if (typeof user === 'string') throw refused(user);
    if (program === null) throw refused('there is no program for dns-01');
    const name = `_acme-challenge.${proof.name}.`;
    const value = createHash('sha256').update(proof.authorization).digest('base64url');
    const [path, ...args] = program;
    const running = runCommand({
      command: [path, ...args, what, name, value],
      user,
      timeoutMs: PROGRAM_MS_MAX,
      environment: {},
    });
    const end = (): void => running.end();
    signal?.addEventListener('abort', end);
    const { isPassed, reason, output } = await running.result;
    signal?.removeEventListener('abort', end);
    if (!isPassed) throw refused(`${path} ${what} ${name}: ${reason}${output === '' ? '' : `: ${output}`}`);
  }
}

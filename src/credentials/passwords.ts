/**
 * Whether a user's password is right, as soon as that can be said. Hashing is slow by design, and anybody may have something hashed: so what was found is
 * kept, by a keyed digest and never as it is; who has guessed wrong too often waits; clients take turns; and a name that nobody has takes as long as one that somebody
 * has.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { FairQueue } from './fair-queue.ts';
import { Guesses } from './guesses.ts';
import { Recent } from './recent.ts';
import type { Users } from './user-file.ts';

/** `too-many`: this client has been wrong too often, or has more waiting than others. */
export type Decision = 'right' | 'wrong' | 'too-many';

/** As `isPassword`, elsewhere. Rejects when that is not to be had. */
export type Hasher = (password: Uint8Array, hash: string) => Promise<boolean>;

export interface Attempt {
  /** As of `clientOf`. */
  readonly client: string;
  /** Each byte a character. */
  readonly name: string;
  readonly password: Uint8Array;
}

interface Job {
  readonly run: () => Promise<void>;
  readonly giveUp: () => void;
}

const KEPT_MAX = 16_384;
const WAITING_MAX = 256;

export class Passwords {
  private readonly hasher: Hasher;
  private readonly now: () => number;
  private readonly secret = randomBytes(32);
  private readonly guesses = new Guesses();
  private readonly right = new Recent<true>(KEPT_MAX);
  /** Apart from the right ones, so that who guesses makes nobody forgotten. */
  private readonly wrong = new Recent<true>(KEPT_MAX);
  private readonly waiting = new FairQueue<Job>(WAITING_MAX);
  private readonly underWay = new Map<string, Promise<Decision>>();
  private free: number;

  /** `parallel`: so many hashes are made at a time. `now`: in milliseconds. */
  constructor(hasher: Hasher, parallel: number, now: () => number) {
    this.hasher = hasher;
    this.free = parallel;
    this.now = now;
  }

  async check(users: Users, attempt: Attempt): Promise<Decision> {
    const { client, name, password } = attempt;
    const known = users.get(name);
    // of the kind that the others have
    const hash = known ?? firstOf(users);
    if (hash === null) return 'wrong';
    const key = createHmac('sha256', this.secret)
      .update(`${known === undefined ? 0 : 1}${Buffer.from(name, 'latin1').toString('hex')}:${hash}:`, 'latin1')
      .update(password)
      .digest('base64');
    if (this.right.get(key) !== undefined) return 'right';
    if (this.wrong.get(key) !== undefined) return 'wrong';
    const asked = this.underWay.get(key);
    if (asked !== undefined) return asked;
    if (this.guesses.isSpent(client, this.now())) return 'too-many';
    const decision = this.decide(key, client, async () => (await this.hasher(password, hash)) && known !== undefined);
    this.underWay.set(key, decision);
    try {
      return await decision;
    } finally {
      this.underWay.delete(key);
    }
  }

  private decide(key: string, client: string, isRight: () => Promise<boolean>): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          const found = await isRight();
          (found ? this.right : this.wrong).set(key, true);
          if (!found) this.guesses.note(client, this.now());
          resolve(found ? 'right' : 'wrong');
        } catch (error) {
          reject(error);
        }
      };
      const dropped = this.waiting.push(client, { run, giveUp: () => resolve('too-many') });
      dropped?.giveUp();
      this.runNext();
    });
  }

  private runNext(): void {
    while (this.free > 0) {
      const job = this.waiting.shift();
      if (job === null) return;
      this.free--;
      void job.run().finally(() => {
        this.free++;
        this.runNext();
      });
    }
  }
}

function firstOf(users: Users): string | null {
  for (const hash of users.values()) return hash;
  return null;
}

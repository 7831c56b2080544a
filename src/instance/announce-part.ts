/** What one running evenkeel announces, which it does if its file has an `announce` part: it comes and goes with that. */
import type { AnnouncePlan } from '../config/plan/announce.ts';
import { openAnnouncedAddresses } from '../io/linux/announced-addresses.ts';
import { findUser } from '../io/linux/users.ts';
import { AnnounceKeeper } from '../keeper/announce/announce-keeper.ts';
import { CommandUsers } from '../keeper/ha/command-user.ts';
import { runCommand } from '../keeper/ha/command.ts';
import { watchMaker } from '../keeper/ha/watch-maker.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Overrides } from '../keeper/overrides.ts';

export interface AnnouncePartOptions {
  readonly keeper: Keeper;
  readonly overrides: Pick<Overrides, 'isNodeDrained'>;
  readonly log: Log;
}

const now = (): number => performance.now();

export class AnnouncePart {
  private readonly options: AnnouncePartOptions;
  private readonly users = new CommandUsers(process.getuid?.() ?? -1, findUser);
  private current: AnnounceKeeper | null = null;
  private hasStarted = false;

  constructor(options: AnnouncePartOptions) {
    this.options = options;
  }

  /** Null: nothing is announced, or nothing yet. */
  get keeper(): AnnounceKeeper | null {
    return this.current;
  }

  /** To be called when everything serves. Resolves with what there is, empty if there is nothing. Rejects with the reason. */
  async start(plan: AnnouncePlan | null): Promise<string> {
    this.hasStarted = true;
    if (plan === null) return '';
    this.current = this.create(plan);
    return this.current.start();
  }

  /** To be called when everything serves. */
  async apply(plan: AnnouncePlan | null): Promise<void> {
    const { current } = this;
    if (!this.hasStarted) return;
    if (plan === null) {
      this.current = null;
      // It takes as long as it takes, and holds up nothing.
      void current?.release();
    } else if (current === null) await this.start(plan);
    else await current.apply(plan);
  }

  private create(plan: AnnouncePlan): AnnounceKeeper {
    const { keeper, overrides, log } = this.options;
    return new AnnounceKeeper({
      plan,
      addresses: openAnnouncedAddresses(),
      makeWatch: watchMaker({
        board: keeper.board,
        serversOf: (upstream) => keeper.serversOf(upstream),
        closedListeners: () => keeper.closedListeners,
        runCommand,
        userFor: (names) => this.users.of(names),
        log,
        now,
      }),
      isDrained: () => overrides.isNodeDrained,
      endConnections: (addresses) => keeper.abandon(addresses),
      log,
      now,
    });
  }
}

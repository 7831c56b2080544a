/** One announcement on this machine: its machine of core/announce, and the addresses where that wants them. */
import type { AnnouncementPlan } from '../../config/plan/announce.ts';
import {
  Announcement,
  type AnnouncementChange,
  type AnnouncementPlace,
  type AnnouncementSettings,
} from '../../core/announce/announcement.ts';
import type { AnnouncedAddresses } from '../../port/announced-addresses.ts';

/** Where they are while a withdrawal gets round: nobody announces what is there. */
const LOOPBACK = 'lo';

export class HeldAnnouncement {
  plan: AnnouncementPlan;
  readonly machine: Announcement;
  /** Why the addresses are not where they should be; null: they are. */
  problem: string | null = null;
  /** When their life was lengthened last. */
  heldMs: number | null = null;
  private readonly addresses: AnnouncedAddresses;
  private readonly onChange: (announcement: HeldAnnouncement, change: AnnouncementChange) => void;
  /** Where they are; null: nowhere that this has put them. */
  private on: { readonly interfaceName: string; readonly addresses: readonly string[] } | null = null;

  /** What is announced already goes on. */
  constructor(
    plan: AnnouncementPlan,
    addresses: AnnouncedAddresses,
    onChange: (announcement: HeldAnnouncement, change: AnnouncementChange) => void,
    nowMs: number,
  ) {
    this.plan = plan;
    this.addresses = addresses;
    this.onChange = onChange;
    const found = addresses.find(plan.addresses);
    const own = [plan.interfaceName, plan.graceful?.interfaceName].find((name) => found.some((each) => each === name));
    if (own !== undefined) this.on = { interfaceName: own, addresses: plan.addresses };
    this.machine = new Announcement(settingsOf(plan), own !== undefined, nowMs);
  }

  /**
   * Goes by this plan from now on. What it has announced and no plan has any more (`kept` says what they have) is returned as an announcement that
   * leaves as in a stop; null: there is nothing of that kind.
   */
  apply(plan: AnnouncementPlan, kept: ReadonlySet<string>, nowMs: number): HeldAnnouncement | null {
    const left = this.without(kept, nowMs);
    // What another one has now stays there, if it is held there, and else as long as it lives.
    if (this.on?.interfaceName === plan.interfaceName) {
      const { addresses, interfaceName } = this.on;
      this.on = { interfaceName, addresses: addresses.filter((each) => plan.addresses.includes(each)) };
    }
    this.plan = plan;
    this.machine.apply(settingsOf(plan), nowMs);
    return left;
  }

  /** It is in no plan any more. What others have now is theirs, and the rest is returned as from `apply`. */
  leave(kept: ReadonlySet<string>, nowMs: number): HeldAnnouncement | null {
    const left = this.without(kept, nowMs);
    this.on = null;
    return left;
  }

  private without(kept: ReadonlySet<string>, nowMs: number): HeldAnnouncement | null {
    const gone = this.on?.addresses.filter((each) => !kept.has(each)) ?? [];
    if (gone.length === 0) return null;
    const plan = { ...this.plan, name: `${this.plan.name} (${gone.join(', ')})`, addresses: gone, tracked: [] };
    const left = new HeldAnnouncement(plan, this.addresses, this.onChange, nowMs);
    // That it is there is nothing new.
    left.machine.takeChanges();
    left.machine.stop(nowMs);
    return left;
  }

  /** Does what is due. */
  turn(nowMs: number): void {
    const { machine } = this;
    machine.tick(nowMs);
    for (const change of machine.takeChanges()) this.onChange(this, change);
    const interfaceName = this.interfaceOf(machine.place);
    if (interfaceName === null) return this.drop();
    if (!machine.takeHold(nowMs)) return;
    const { plan, on } = this;
    // Here first, and then not there any more: the way to them never ends.
    this.problem = this.addresses.hold(interfaceName, plan.addresses, plan.lifeS);
    this.heldMs = nowMs;
    if (on !== null) {
      const isSame = on.interfaceName === interfaceName;
      const gone = isSame ? on.addresses.filter((each) => !plan.addresses.includes(each)) : on.addresses;
      this.addresses.drop(on.interfaceName, gone);
    }
    this.on = { interfaceName, addresses: plan.addresses };
  }

  /** At once, whatever the machine says. */
  drop(): void {
    if (this.on !== null) this.addresses.drop(this.on.interfaceName, this.on.addresses);
    this.on = null;
    this.problem = null;
  }

  private interfaceOf(place: AnnouncementPlace): string | null {
    const { graceful, interfaceName } = this.plan;
    switch (place) {
      case 'announced':
        return interfaceName;
      case 'leaving':
        return graceful?.interfaceName ?? interfaceName;
      case 'converging':
        return LOOPBACK;
      case null:
        return null;
    }
  }
}

function settingsOf({ tracked, lifeS, graceful, convergenceMs }: AnnouncementPlan): AnnouncementSettings {
  return { tracked: tracked.map(({ name }) => name), lifeS, gracefulMs: graceful?.forMs ?? 0, convergenceMs };
}

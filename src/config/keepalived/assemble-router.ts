/** A vrrp_instance as a virtual router of the model. */
import { DEFAULTS } from '../model/defaults.ts';
import { formatDuration } from '../words/units.ts';
import type { PlacedDocument } from './document.ts';
import type {
  Address,
  Drafts,
  GroupDraft,
  InstanceDraft,
  Notifies,
  Placed,
  Program,
  RouteDraft,
  RuleDraft,
  Tracked,
} from './draft.ts';
import { programUser } from './program-user.ts';
import type { KeepalivedReport } from './report.ts';

const OWNER_PRIORITY = 255;
/** keepalived's own defaults. */
const ADVERT_MS = 1000;

export function putRouter(
  instance: InstanceDraft,
  drafts: Drafts,
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  new Router(instance, drafts, document, report).put();
}

class Router {
  private readonly instance: InstanceDraft;
  private readonly drafts: Drafts;
  private readonly document: PlacedDocument;
  private readonly report: KeepalivedReport;
  private readonly group: GroupDraft | null;

  constructor(instance: InstanceDraft, drafts: Drafts, document: PlacedDocument, report: KeepalivedReport) {
    this.instance = instance;
    this.drafts = drafts;
    this.document = document;
    this.report = report;
    const isMember = (group: GroupDraft): boolean => group.members.some(({ value }) => value === instance.name);
    this.group = drafts.groups.find(isMember) ?? null;
  }

  put(): void {
    const { instance, report } = this;
    const { globals } = this.drafts;
    const { name, place, routerId } = instance;
    if (routerId === undefined) {
      report.missing(place, `${name} has no virtual_router_id`, 'write one from 1 to 255, the same on both nodes');
    }
    if (instance.addresses.length === 0) {
      report.missing(place, `${name} has no virtual_ipaddress`, 'write `virtual_ipaddress { ADDRESS }`');
    }
    if (instance.interface === undefined) report.missing(place, `${name} has no interface`, 'write `interface NAME`');
    this.document.mark(['ha', name], place);
    this.add('interface', instance.interface);
    this.add('router-id', routerId);
    this.add('priority', instance.priority);
    const version = this.putVersion();
    this.putAdvertise(version);
    this.putAuthentication(version);
    this.putAddresses('addresses', instance.addresses);
    this.putAddresses('excluded', instance.excluded);
    this.putList('routes', instance.routes, routeValue);
    this.putList('rules', instance.rules, ruleValue);
    this.add('virtual-mac', instance.virtualMac);
    this.putPreempt();
    if (globals.startupDelayMs !== undefined && globals.startupDelayMs > 0) {
      this.add('start-delay', { value: formatDuration(globals.startupDelayMs), place });
    }
    if (this.group !== null) this.add('group', { value: this.group.name, place: this.group.place });
    this.putUnicast();
    this.putTracks();
    this.putNotify();
  }

  private add(key: string, placed: Placed<unknown> | undefined): void {
    if (placed !== undefined) this.document.put(['ha', this.instance.name, key], placed.value, placed.place);
  }

  private putVersion(): 2 | 3 {
    const { addresses, version, place, name } = this.instance;
    const isIpv6 = addresses[0]?.value.cidr.includes(':') ?? false;
    const written = version?.value ?? this.drafts.globals.version;
    if (isIpv6 && version?.value === 2) {
      this.report.trap(version.place, `${name} speaks version 3: over IPv6 there is no other`, 'write `version 3`');
    }
    const value = isIpv6 || written === 3 ? 3 : 2;
    this.add('version', { value, place: version?.place ?? place });
    return value;
  }

  private putAdvertise(version: 2 | 3): void {
    const { advertMs, place, name } = this.instance;
    const written = advertMs?.value ?? ADVERT_MS;
    const stepMs = version === 2 ? 1000 : 10;
    const rounded = Math.max(stepMs, Math.round(written / stepMs) * stepMs);
    if (rounded !== written && advertMs !== undefined) {
      const fix =
        version === 2
          ? `write \`advert_int ${rounded / 1000}\`, or \`vrrp_version 3\` on both nodes`
          : `write ${rounded / 1000}`;
      this.report.trap(
        advertMs.place,
        `${name} advertises every ${rounded / 1000} s: version ${version} has no finer step`,
        fix,
      );
    }
    this.add('advertise', { value: formatDuration(rounded), place: advertMs?.place ?? place });
  }

  private putAuthentication(version: 2 | 3): void {
    const { authType, pass } = this.instance;
    const place = (authType ?? pass)?.place;
    if (place === undefined) return;
    if (version === 3) {
      this.report.trap(place, 'version 3 has no passwords: `authentication` is dropped', 'leave it out');
    } else if (authType === undefined || pass === undefined) {
      const lack = authType === undefined ? 'auth_type PASS' : 'auth_pass';
      const { place: block } = this.instance;
      this.report.missing(block, `\`authentication\` has no \`${lack}\``, 'write it, or leave the block out', place);
    } else {
      this.document.put(['ha', this.instance.name, 'auth', 'pass'], pass.value, pass.place);
    }
  }

  private putAddresses(key: 'addresses' | 'excluded', addresses: readonly Placed<Address>[]): void {
    const [first] = addresses;
    if (first === undefined) return;
    const own = this.instance.interface?.value;
    const list = addresses.map(({ value: { cidr, device, label } }) => {
      const isHere = device === null || device === own;
      if (isHere && label === null) return cidr;
      return { address: cidr, ...(isHere ? {} : { interface: device }), ...(label === null ? {} : { label }) };
    });
    this.add(key, { value: list, place: first.place });
    for (const [i, { place }] of addresses.entries()) this.document.mark(['ha', this.instance.name, key, i], place);
  }

  private putList<T>(key: 'routes' | 'rules', list: readonly Placed<T>[], valueOf: (draft: T) => unknown): void {
    const [first] = list;
    if (first === undefined) return;
    this.add(key, { value: list.map(({ value }) => valueOf(value)), place: first.place });
    for (const [i, { place }] of list.entries()) this.document.mark(['ha', this.instance.name, key, i], place);
  }

  private putPreempt(): void {
    const { preempt, preemptDelayMs, state, priority, name } = this.instance;
    let isPreempting = preempt?.value ?? true;
    if (preempt !== undefined && !isPreempting) {
      const isMaster = state?.value === 'MASTER';
      if (isMaster || priority?.value === OWNER_PRIORITY) {
        const why = isMaster ? '`state MASTER`' : 'priority 255';
        const fix = isMaster ? 'write `state BACKUP` on both nodes, or leave `nopreempt` out' : 'leave one of them out';
        this.report.trap(preempt.place, `${name} preempts: keepalived drops \`nopreempt\` with ${why}`, fix);
        isPreempting = true;
      } else this.add('preempt', { value: false, place: preempt.place });
    }
    if (preemptDelayMs === undefined || preemptDelayMs.value === 0) return;
    if (!isPreempting || state?.value === 'MASTER') {
      const why = isPreempting ? '`state MASTER`' : '`nopreempt`';
      this.report.trap(
        preemptDelayMs.place,
        `\`preempt_delay\` has no effect with ${why}`,
        'leave it out, or write `state BACKUP`',
      );
      return;
    }
    this.add('preempt', { value: { delay: formatDuration(preemptDelayMs.value) }, place: preemptDelayMs.place });
  }

  private putUnicast(): void {
    const { peers, hasPeers, unicastSource, name } = this.instance;
    const place = hasPeers?.place ?? unicastSource?.place;
    if (place === undefined) return;
    if (peers.length === 0) {
      if (this.report.isWrongInside(this.instance.place)) return;
      const what = `${name} has no unicast peers: its adverts are multicast`;
      this.report.trap(place, what, 'write `unicast_peer { ADDRESS }`, or leave unicast out');
      return;
    }
    const limits = peers.map(({ value }) => value.minTtl ?? 1);
    const lowest = Math.max(1, Math.min(...limits));
    if (limits.some((limit) => limit !== limits[0])) {
      this.report.trap(
        place,
        `every peer may send with a TTL from ${lowest} on: there is one limit for all`,
        'write the same `min_ttl` for each',
      );
    }
    this.document.put(
      ['ha', name, 'unicast', 'peers'],
      peers.map(({ value }) => value.address),
      place,
    );
    for (const [i, peer] of peers.entries()) this.document.mark(['ha', name, 'unicast', 'peers', i], peer.place);
    if (unicastSource !== undefined)
      this.document.put(['ha', name, 'unicast', 'source'], unicastSource.value, unicastSource.place);
    this.document.put(['ha', name, 'unicast', 'min-ttl'], lowest, place);
  }

  // --- what is tracked ---

  private putTracks(): void {
    const tracks: Track[] = [];
    for (const from of [this.instance, ...(this.group === null ? [] : [this.group])]) {
      for (const { value, place } of from.scripts) tracks.push(...this.scriptTrack(value, place));
      for (const { value, place } of from.processes) tracks.push(...this.processTrack(value, place));
      for (const { value, place } of from.files) tracks.push(...this.fileTrack(value, place));
      for (const { value, place } of from.interfaces) {
        const weight = this.weightOf(value.weight ?? 0, place);
        tracks.push({ value: { interface: value.name, ...weight }, place });
      }
    }
    const [first] = tracks;
    if (first === undefined) return;
    this.add('track', { value: tracks.map(({ value }) => value), place: first.place });
    for (const [i, { place, inside = [] }] of tracks.entries()) {
      const path = ['ha', this.instance.name, 'track', i];
      this.document.mark(path, place);
      for (const [key, at] of inside) this.document.mark([...path, 'script', key], at);
    }
  }

  /** In a group weights do not count, so that members do not part. */
  private weightOf(weight: number, place: Placed<unknown>['place']): { readonly weight?: number } {
    if (weight === 0) return {};
    if (this.group === null || this.group.isWeighted === true) return { weight };
    const what = `the weight has no effect: ${this.instance.name} is in the group ${this.group.name}, where a failure is a fault`;
    this.report.trap(place, what, 'leave the weight out, or write `sync_group_tracking_weight` in the group');
    return {};
  }

  private scriptTrack({ name, weight }: Tracked, place: Placed<unknown>['place']): Track[] {
    const script = this.drafts.scripts.find((each) => each.name === name);
    if (script === undefined) {
      this.report.unknownName('vrrp_script', name, place);
      return [];
    }
    if (script.script === undefined) {
      this.report.missing(script.place, `vrrp_script ${name} has no script`, 'write `script "/PATH ARGUMENTS"`');
      return [];
    }
    const { intervalMs: interval, timeoutMs: timeout } = script;
    const intervalMs = interval?.value ?? 1000;
    const timeoutMs = Math.min(timeout === undefined || timeout.value === 0 ? intervalMs : timeout.value, 3_600_000);
    const value = {
      name,
      run: script.script.value,
      interval: formatDuration(intervalMs),
      timeout: formatDuration(Math.max(100, timeoutMs)),
      rise: script.rise ?? 1,
      fall: script.fall ?? 1,
      user: programUser(this.drafts.globals, script.user ?? null),
      ...this.weightOf(weight ?? script.weight ?? 0, place),
    };
    const at = script.place;
    const inside = [['interval', interval?.place ?? at] as const, ['timeout', timeout?.place ?? at] as const];
    return [{ value: { script: value }, place, inside }];
  }

  private processTrack({ name, weight }: Tracked, place: Placed<unknown>['place']): Placed<unknown>[] {
    const draft = this.drafts.processes.find((each) => each.name === name);
    const [program, ...args] = draft?.process?.value ?? [];
    if (draft === undefined) {
      this.report.unknownName('vrrp_track_process', name, place);
      return [];
    }
    if (program === undefined) {
      this.report.missing(draft.place, `vrrp_track_process ${name} has no process`, 'write `process NAME`');
      return [];
    }
    const own = program.slice(program.lastIndexOf('/') + 1);
    const match = draft.match === undefined ? {} : { match: draft.match };
    const process = args.length === 0 ? own : { name: own, arguments: args, ...match };
    return [{ value: { process, ...this.weightOf(weight ?? draft.weight ?? 0, place) }, place }];
  }

  /** A weight is 1 if nothing says otherwise. */
  private fileTrack({ name, weight }: Tracked, place: Placed<unknown>['place']): Placed<unknown>[] {
    const draft = this.drafts.files.find((each) => each.name === name);
    if (draft === undefined) {
      this.report.unknownName('track_file', name, place);
      return [];
    }
    if (draft.path === undefined) {
      this.report.missing(draft.place, `track_file ${name} has no file`, 'write `file /PATH`');
      return [];
    }
    const { path, init } = draft;
    const file =
      init === undefined
        ? path.value
        : { path: path.value, init: init.value, ...(init.isOverwriting ? { overwrite: true } : {}) };
    return [{ value: { file, ...this.weightOf(weight ?? draft.weight ?? 1, place) }, place }];
  }

  // --- programs ---

  /** keepalived runs a group's programs beside those of its routers; here they are those of its first member. */
  private putNotify(): void {
    const { instance, group } = this;
    const ofGroup = group !== null && group.members[0]?.value === instance.name ? programsOf(group) : [];
    const programs = [...ownEntries(programsOf(instance), 'router'), ...ownEntries(ofGroup, 'group')];
    const isFirst = group !== null && group.members[0]?.value === instance.name;
    const entries = [...programs.map((entry) => this.programsEntry(entry)), ...this.fifoEntries(isFirst)];
    const [first] = entries;
    if (first === undefined) return;
    const path = ['ha', instance.name, 'notify'];
    const isOne = entries.length === 1;
    this.document.put(path, isOne ? first.value : entries.map(({ value }) => value), first.place);
    for (const [i, { place, places }] of entries.entries()) {
      const at = isOne ? path : [...path, i];
      this.document.mark(at, place);
      for (const [key, inside] of places) this.document.mark([...at, key], inside);
    }
  }

  private programsEntry({ programs, told }: Entry): NotifyEntry {
    const value = {
      ...Object.fromEntries(programs.map(({ role, program }) => [role, program.value.command])),
      ...(told === DEFAULTS.ha.notify.arguments ? {} : { arguments: told }),
      user: programUser(this.drafts.globals, programs[0].program.value.user),
    };
    const places = programs.map(({ role, program }) => [role, program.place] as const);
    return { value, place: programs[0].program.place, places };
  }

  /** keepalived tells its FIFOs of every router, and of groups when all members have changed: here the first member tells it. */
  private fifoEntries(isFirst: boolean): readonly NotifyEntry[] {
    const { fifo, vrrpFifo } = this.drafts.globals;
    return [fifo, vrrpFifo].flatMap(({ path, user, reader }) => {
      if (path === undefined) return [];
      const value = {
        fifo: path.value,
        ...(reader === undefined ? {} : { reader: reader.value.command }),
        user: programUser(this.drafts.globals, user ?? reader?.value.user ?? null),
      };
      const places = reader === undefined ? [] : ([['reader', reader.place]] as const);
      const entry = { value, place: path.place, places };
      return isFirst ? [entry, { ...entry, value: { ...value, arguments: 'group' } }] : [entry];
    });
  }
}

/** `inside`: where parts of a script are written. */
interface Track extends Placed<unknown> {
  readonly inside?: readonly (readonly [key: string, place: Placed<unknown>['place']])[];
}

/** keepalived leaves the scope of a route without a next hop `global`. */
function routeValue({ to, via, device, source, table, metric, scope, isOnLink, mtu, type }: RouteDraft): unknown {
  const isDirect = via === undefined && type === 'unicast';
  return given({
    to,
    via,
    interface: device,
    source,
    table,
    metric,
    scope: scope ?? (isDirect ? 'global' : undefined),
    'on-link': isOnLink,
    mtu,
    type: type === DEFAULTS.ha.route.type ? undefined : type,
  });
}

function ruleValue({ preference, from, to, inDevice, outDevice, mark, mask, table, type }: RuleDraft): unknown {
  return given({
    preference,
    from,
    to,
    interface: inDevice,
    'out-interface': outDevice,
    mark,
    mask,
    table,
    type: type === DEFAULTS.ha.rule.type ? undefined : type,
  });
}

function given(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const ROLES = ['active', 'backup', 'fault', 'stop'] as const;

interface Noted {
  readonly key: keyof Notifies;
  readonly program: Placed<Program>;
}

/** Programs that one entry of `notify` has: of one user, and told the same. */
interface Entry {
  readonly told: 'router' | 'group' | 'none';
  readonly programs: { readonly role: (typeof ROLES)[number]; readonly program: Placed<Program> }[];
}

interface NotifyEntry {
  readonly value: unknown;
  readonly place: Placed<unknown>['place'];
  /** Of its keys. */
  readonly places: readonly (readonly [key: string, place: Placed<unknown>['place']])[];
}

function programsOf(draft: Notifies): readonly Noted[] {
  return (['notify', ...ROLES] as const).flatMap((key) => {
    const program = draft[key];
    return program === undefined ? [] : [{ key, program }];
  });
}

/** `notify` is told whose role has changed, `notify_master` and the like are told nothing. */
function ownEntries(programs: readonly Noted[], told: 'router' | 'group'): readonly Entry[] {
  const entries: Entry[] = [];
  for (const { key, program } of programs) {
    if (key === 'notify') {
      entries.push({ told, programs: ROLES.map((role) => ({ role, program })) });
      continue;
    }
    const isSame = ({ told: other, programs: [one] }: Entry): boolean =>
      other === 'none' && one.program.value.user === program.value.user;
    const entry = entries.find(isSame);
    if (entry === undefined) entries.push({ told: 'none', programs: [{ role: key, program }] });
    else entry.programs.push({ role: key, program });
  }
  return entries;
}

/**
 * What of this machine the configuration counts on: rights, interfaces, programs and their users. `run` says the same before
 * it starts, so it must take no time and change nothing.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { advertPacketBytes } from '../../config/advert-size.ts';
import type { Path } from '../../config/findings/diagnostic.ts';
import { type Diagnostic, diagnose, type Problem, problem, show } from '../../config/findings/diagnostic.ts';
import { entriesOf, itemsOf, listOf } from '../../config/model/parts.ts';
import { valuesByNode } from '../../config/model/per-node.ts';
import { parseServer } from '../../config/words/addresses.ts';
import { missingCapabilities } from '../../io/linux/capabilities.ts';
import { readSysctl } from '../../io/linux/segment/sysctl.ts';
import { findUser } from '../../io/linux/users.ts';
import { chooseUser } from '../../keeper/ha/command-user.ts';
import type { Known } from '../prepare.ts';
import { findProxyUser } from '../proxy-user.ts';
import { isAbsentScript, programChecksOf } from './absent-scripts.ts';
import { findProgramFault } from './programs.ts';

/** Settings without which the kernel forwards nothing. */
const FORWARDING = [
  { family: 4, name: 'net/ipv4/ip_forward' },
  { family: 6, name: 'net/ipv6/conf/all/forwarding' },
] as const;

export function lookAtMachine(known: Known): readonly Diagnostic[] {
  return new MachineLook(known).look();
}

/** The name of an interface, or one for each node. */
type Written = string | { readonly [node: string]: string | undefined } | undefined;

class MachineLook {
  private readonly known: Known;
  private readonly node: string | null;
  private readonly ownUid = process.getuid?.() ?? -1;
  private readonly found: Diagnostic[] = [];

  constructor(known: Known) {
    this.known = known;
    this.node = known.node;
  }

  look(): readonly Diagnostic[] {
    this.lookAtProxyUser();
    this.lookAtSources();
    this.lookAtRoots();
    this.lookAtAcme();
    this.lookAtChecks();
    this.lookAtServerPrograms();
    this.lookAtForwarding();
    this.lookAtDirectServers();
    this.lookAtAnnounce();
    if (this.known.config.ha === undefined) return this.found;
    this.lookAtRights(['ha'], 'a virtual address', ['CAP_NET_ADMIN', 'CAP_NET_RAW']);
    const interfaces = new Set(readdirSync('/sys/class/net'));
    for (const [name, router] of entriesOf(this.known.config.ha)) {
      const path: Path = ['ha', name];
      this.lookAtInterface(router.interface, [...path, 'interface'], interfaces);
      this.lookAtMtu(name, path);
      this.lookAtAdvertSource(name, path);
      for (const key of ['addresses', 'excluded'] as const) {
        for (const { path: at, value: address } of itemsOf(router[key], [...path, key])) {
          if (typeof address === 'string') continue;
          this.lookAtInterface(address.interface, [...at, 'interface'], interfaces);
        }
      }
      for (const key of ['routes', 'rules'] as const) {
        const items = itemsOf<{ readonly interface?: Written; readonly 'out-interface'?: Written }>(router[key], [
          ...path,
          key,
        ]);
        for (const { path: at, value } of items) {
          this.lookAtInterface(value.interface, [...at, 'interface'], interfaces);
          this.lookAtInterface(value['out-interface'], [...at, 'out-interface'], interfaces);
        }
      }
      for (const { path: at, value: track } of itemsOf(router.track, [...path, 'track'])) {
        this.lookAtInterface(track.interface, [...at, 'interface'], interfaces);
        if (track.script === undefined) continue;
        const { run, recover, user, weight = 0 } = track.script;
        const isFault = (track.weight ?? weight) === 0;
        const isDropped = this.known.frontEndOf(path) === 'keepalived' && isAbsentScript(track);
        const until = isDropped
          ? 'until it is there and evenkeel is reloaded nothing asks for it, as with keepalived'
          : isFault
            ? 'the virtual router is in fault until then'
            : 'it fails until then';
        this.lookAtPrograms({ run, recover }, user, [...at, 'script'], until);
      }
      for (const { path: at, value: notify } of itemsOf(router.notify, [...path, 'notify'])) {
        const { active, backup, fault, stop, user } = notify;
        this.lookAtPrograms({ active, backup, fault, stop }, user, at);
      }
    }
    return this.found;
  }

  private lookAtProxyUser(): void {
    const { user } = this.known.config;
    const found = user === undefined ? null : findProxyUser(user);
    if (found === null || !('reason' in found)) return;
    this.report(['user'], 'value', problem('bad-proxy-user', { user: show(user), ...found }));
  }

  /** What would be answered from there is 404 until it is there: nothing to refuse a file for. */
  private lookAtRoots(): void {
    const { listeners, files } = this.known.config;
    const user = files?.user;
    if (this.ownUid === 0 && user !== undefined && findUser(user) === null) {
      this.report(['files', 'user'], 'value', problem('no-files-user', { user: show(user) }));
    }
    const seen = new Set<string>();
    const routes = Object.values(listeners ?? {}).flatMap((listener) => listener?.routes ?? []);
    const answered = new Set(routes.map((route) => `${route?.files?.root}${route?.files?.path}`));
    for (const [name, listener] of entriesOf(listeners)) {
      for (const { path, value: route } of itemsOf(listener.routes, ['listeners', name, 'routes'])) {
        const root = route.files?.root;
        if (root === undefined || seen.has(root)) continue;
        seen.add(root);
        const reason = findFolderFault(root);
        // a file that another route answers with, as of an `alias`
        if (reason === null || (reason === NO_FOLDER && answered.has(root))) continue;
        const fix = 'make it, or correct the path; no reload is needed then';
        this.report([...path, 'files', 'root'], 'value', problem('no-such-root', { value: show(root), reason, fix }));
      }
    }
  }

  private lookAtAcme(): void {
    for (const [name, { tls }] of entriesOf(this.known.config.listeners)) {
      for (const { path, value } of itemsOf(tls?.certificates, ['listeners', name, 'tls', 'certificates'])) {
        if (value.acme === undefined) continue;
        this.lookAtPrograms({ program: value.acme.program }, value.acme.user, [...path, 'acme']);
      }
    }
  }

  /** Programs that check servers. */
  private lookAtChecks(): void {
    for (const { path, health, isDropped } of programChecksOf(this.known.config, this.known.frontEndOf)) {
      const until = isDropped
        ? 'until it is there and evenkeel is reloaded the server is not checked, as with keepalived'
        : 'the server is down until then';
      this.lookAtPrograms({ run: health.run }, health.user, path, until);
    }
  }

  /** Programs that are run when servers, or a quorum, are up or down. */
  private lookAtServerPrograms(): void {
    for (const [name, { quorum, servers }] of entriesOf(this.known.config.upstreams)) {
      const path: Path = ['upstreams', name];
      const programs = [
        { at: [...path, 'quorum'], written: quorum },
        ...itemsOf(servers, [...path, 'servers']).map(({ path: at, value }) => ({
          at: [...at, 'notify'],
          written: typeof value === 'string' ? undefined : value.notify,
        })),
      ];
      for (const { at, written } of programs) {
        if (written === undefined) continue;
        const { up, down, stop, user } = written;
        this.lookAtPrograms({ up, down, stop }, user, at);
      }
    }
  }

  private lookAtSources(): void {
    const upstreams = entriesOf(this.known.config.upstreams);
    if (upstreams.every(([, { source }]) => source === undefined)) return;
    const own = listOfAddresses(Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []));
    // All of it is this machine's.
    own.addSubnet('127.0.0.0', 8, 'ipv4');
    for (const [name, { source }] of upstreams) {
      for (const { path, value } of itemsOf(source, ['upstreams', name, 'source'])) {
        if (includesAddress(own, value)) continue;
        this.report(path, 'value', problem('no-such-source', { value: show(value) }));
      }
    }
  }

  /** What the kernel needs so that it can do a proxy's work. */
  private lookAtForwarding(): void {
    const inKernel = entriesOf(this.known.config.listeners).filter(([, { mode }]) => mode === 'kernel');
    if (inKernel.length === 0) return;
    if (missingCapabilities(['CAP_NET_ADMIN']).length > 0) {
      const grant = "systemd's `AmbientCapabilities=CAP_NET_ADMIN CAP_NET_BIND_SERVICE`";
      const args = { what: '`mode: kernel`', rights: 'CAP_NET_ADMIN', grant };
      this.report(['listeners', inKernel[0][0], 'mode'], 'value', problem('missing-rights', args));
    }
    for (const { family, name } of FORWARDING) {
      if (readSysctl(name) !== 0) continue;
      const first = inKernel.find(([, { bind }]) =>
        listOf(bind).some((text) => text.startsWith('[') === (family === 6)),
      );
      if (first === undefined) continue;
      const args = { family: String(family), setting: name.replaceAll('/', '.') };
      this.report(['listeners', first[0], 'mode'], 'value', problem('not-forwarding', args));
    }
  }

  /** Servers that packets go to as they are, by their hardware address: no router is on the way. */
  private lookAtDirectServers(): void {
    const { listeners, upstreams, ha } = this.known.config;
    const direct = entriesOf(listeners).filter(([, { mode, forward }]) => mode === 'kernel' && forward === 'dsr');
    if (direct.length === 0) return;
    const near = new BlockList();
    const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ cidr }) => cidr) ?? []);
    // an address that moves may be the only one of its network
    const moving = entriesOf(ha).flatMap(([, { addresses }]) =>
      itemsOf(addresses, []).map(({ value }) => (typeof value === 'string' ? value : value.address)),
    );
    for (const written of [...own, ...moving]) {
      const network = parseCidr(written ?? '');
      if (network !== null) near.addSubnet(network.address, network.bits, network.family);
    }
    for (const name of new Set(direct.map(([, { upstream }]) => upstream))) {
      const servers = itemsOf(upstreams?.[name ?? '']?.servers, ['upstreams', name ?? '', 'servers']);
      for (const { path, value } of servers) {
        const written = typeof value === 'string' ? value : value.address;
        const target = written === undefined ? undefined : parseServer(written).value?.target;
        if (target === undefined || !('family' in target) || includesAddress(near, target.host)) continue;
        this.report(path, 'value', problem('server-not-near', { value: show(written!) }));
      }
    }
  }

  /** What is announced, and by which interfaces. */
  private lookAtAnnounce(): void {
    const { announce } = this.known.config;
    if (announce === undefined) return;
    this.lookAtRights(['announce'], 'an address that is announced', ['CAP_NET_ADMIN']);
    const interfaces = readdirSync('/sys/class/net');
    for (const [name, { interface: own, graceful, track }] of entriesOf(announce)) {
      const path: Path = ['announce', name];
      this.lookAtOwnInterface(own, [...path, 'interface'], interfaces);
      this.lookAtOwnInterface(graceful?.interface, [...path, 'graceful', 'interface'], interfaces);
      for (const { path: at, value } of itemsOf(track, [...path, 'track'])) {
        this.lookAtInterface(value.interface, [...at, 'interface'], new Set(interfaces));
        if (value.script === undefined) continue;
        const { run, recover, user } = value.script;
        this.lookAtPrograms({ run, recover }, user, [...at, 'script'], 'nothing is announced until then');
      }
    }
  }

  /** One that only this program's addresses are on, and nobody else. */
  private lookAtOwnInterface(name: string | undefined, path: Path, interfaces: readonly string[]): void {
    if (name === undefined) return;
    if (!interfaces.includes(name)) {
      const args = { value: show(name), others: interfaces.join(', '), name };
      this.report(path, 'value', problem('no-announce-interface', args));
    } else if (hasNeighbours(name)) {
      this.report(path, 'value', problem('announce-interface-with-neighbours', { value: show(name) }));
    }
  }

  /** A node that can never have an address must not look as if it waited for it. */
  private lookAtRights(path: Path, what: string, rights: Parameters<typeof missingCapabilities>[0]): void {
    const missing = missingCapabilities(rights);
    if (missing.length === 0) return;
    const grant = `systemd's \`AmbientCapabilities=${rights.join(' ')} CAP_NET_BIND_SERVICE\``;
    this.report(path, 'key', problem('missing-rights', { what, rights: missing.join(' and '), grant }));
  }

  private lookAtInterface(written: Written, path: Path, interfaces: ReadonlySet<string>): void {
    for (const { node, path: at, value } of valuesByNode(written, path)) {
      if ((node !== null && node !== this.node) || interfaces.has(value)) continue;
      this.report(at, 'value', problem('no-interface', { value: show(value), others: [...interfaces].join(', ') }));
    }
  }

  /** An advert that does not fit is a fault. For the usual MTU the file alone has been looked at. */
  private lookAtMtu(name: string, path: Path): void {
    const router = this.known.ha?.vip.routers.find((each) => each.name === name);
    if (router === undefined) return;
    const { interfaceName, addresses, family, version, keys } = router;
    const mtu = readMtu(interfaceName);
    const bytes = advertPacketBytes(addresses.length, family, version, keys.length > 0);
    if (mtu === null || bytes <= mtu) return;
    const args = { bytes: String(bytes), value: show(interfaceName), mtu: String(mtu) };
    this.report([...path, 'addresses'], 'key', problem('adverts-exceed-mtu', args));
  }

  private lookAtAdvertSource(name: string, path: Path): void {
    const router = this.known.ha?.vip.routers.find((each) => each.name === name);
    const source = router?.source ?? null;
    // Addresses are listed of those that are up alone.
    const addresses = router === undefined ? undefined : networkInterfaces()[router.interfaceName];
    if (router === undefined || source === null || addresses === undefined) return;
    if (includesAddress(listOfAddresses(addresses), source)) return;
    const written = valuesByNode(this.known.config.ha?.[name]?.unicast?.source, [...path, 'unicast', 'source']);
    const at = written.find(({ node }) => node === null || node === this.node)?.path ?? path;
    const args = { value: show(source), interface: show(router.interfaceName) };
    this.report(at, 'value', problem('no-such-advert-source', args));
  }

  /** `until`: what follows from a script that cannot be run. */
  private lookAtPrograms(
    commands: Readonly<Record<string, readonly (string | undefined)[] | undefined>>,
    userNames: string | readonly (string | undefined)[] | undefined,
    path: Path,
    until: string | null = null,
  ): void {
    const written = Object.entries(commands).flatMap(([key, command]) => {
      const program = command?.[0];
      return program === undefined ? [] : [{ key, program }];
    });
    if (written.length === 0) return;
    const user = chooseUser(userNames === undefined ? null : listOf(userNames), this.ownUid, findUser);
    if (typeof user === 'string') {
      const fix = 'write `user:` with a user of this machine, or make the one that is missing';
      const at: Path = userNames === undefined ? path : [...path, 'user'];
      this.report(
        at,
        'value',
        problem('bad-user', { user: show(listOf(userNames ?? 'nobody').join(' or ')), reason: user, fix }),
      );
      return;
    }
    for (const { key, program } of written) {
      const fault = findProgramFault(program, user, this.ownUid);
      if (fault === null) continue;
      const fix = key === 'run' && until !== null ? `${fault.fix}; ${until}` : fault.fix;
      this.report([...path, key, 0], 'value', problem('bad-program', { path: program, reason: fault.reason, fix }));
    }
  }

  private report(path: Path, part: 'key' | 'value', found: Problem): void {
    const { source } = this.known;
    this.found.push(diagnose(found, source.locate(path, part)));
  }
}

/** Null: it has no length, or is something else. */
function parseCidr(
  text: string,
): { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' } | null {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  const length = Number(bits);
  if (version === 0 || bits === '' || length > (version === 4 ? 32 : 128)) return null;
  return { address, bits: length, family: version === 4 ? 'ipv4' : 'ipv6' };
}

function listOfAddresses(addresses: readonly NetworkInterfaceInfo[]): BlockList {
  const list = new BlockList();
  for (const { address, family } of addresses) list.addAddress(address, family === 'IPv4' ? 'ipv4' : 'ipv6');
  return list;
}

function includesAddress(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

const NO_FOLDER = 'is no folder';

/** For people; null: it is a folder. */
function findFolderFault(path: string): string | null {
  try {
    return statSync(path).isDirectory() ? null : NO_FOLDER;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be looked into';
  }
}

const IFF_LOOPBACK = 0x8;
const IFF_NOARP = 0x80;

/** Whoever is on the other side asks who has an address, and is answered. A bridge without ports has nobody. */
function hasNeighbours(name: string): boolean {
  try {
    const flags = Number(readFileSync(`/sys/class/net/${name}/flags`, 'utf8'));
    if ((flags & (IFF_LOOPBACK | IFF_NOARP)) !== 0) return false;
    return readdirSync(`/sys/class/net/${name}/brif`).length > 0;
  } catch {
    return true;
  }
}

/** Null: there is no such interface. */
function readMtu(name: string): number | null {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
  } catch {
    return null;
  }
}

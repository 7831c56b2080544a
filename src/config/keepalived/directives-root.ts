/** What stands at the top level of keepalived.conf. */
import { blockOf, each, onlyWord, readBlock, type Reading, type Table, works, differs } from './directive.ts';
import { checkName } from '../words/patterns.ts';
import { GLOBAL } from './directives-global.ts';
import { endpointOf, serverGroupOf, VIRTUAL_SERVER } from './directives-servers.ts';
import { FILE, GROUP, INSTANCE, PROCESS, SCRIPT } from './directives-vrrp.ts';
import type { Drafts, Globals, VirtualServerDraft } from './draft.ts';
import type { Statement } from './statements.ts';

function nameOf(statement: Statement, { report }: Reading): string | null {
  const { words, keyword, place } = statement;
  if (words.length !== 1) {
    report.error(place, `\`${keyword}\` needs one name`, `write \`${keyword} NAME { ... }\``);
    return null;
  }
  const [{ text: name }] = words;
  if (checkName(name) === null) return name;
  const fix = 'write up to 63 letters, digits, `_`, `.` and `-`, beginning with a letter or digit';
  report.badArgument(statement.placeOf(0), name, keyword, fix);
  return null;
}

/** The block of something that has a name, once each. No table: the block is read as it is made. */
function named<D extends { readonly name: string }>(
  list: (drafts: Drafts) => D[],
  create: (name: string, statement: Statement, reading: Reading) => D,
  table: Table<D> | null,
): (drafts: Drafts, statement: Statement, reading: Reading) => void {
  return (drafts, statement, reading) => {
    const { keyword, place } = statement;
    const name = nameOf(statement, reading);
    if (name === null) return;
    const draft = create(name, statement, reading);
    if (table !== null) readBlock(blockOf(statement, reading), table, draft, reading);
    if (list(drafts).some((other) => other.name === name)) {
      reading.report.error(
        place,
        `there is a \`${keyword} ${name}\` already`,
        'give it another name, or remove one of them',
      );
    } else list(drafts).push(draft);
  };
}

const script = named(
  ({ scripts }) => scripts,
  (name, { place }) => ({ name, place }),
  SCRIPT,
);
const trackedProcess = named(
  ({ processes }) => processes,
  (name, { place }) => ({ name, place }),
  PROCESS,
);

const trackedFile = named(
  ({ files }) => files,
  (name, { place }) => ({ name, place }),
  FILE,
);

export const SSL: Table<Globals> = {
  where: 'in `SSL`',
  directives: {
    certificate: works('`health.tls.certificate`', ({ certificate }, statement, reading) => {
      certificate.certificate = onlyWord(statement, reading, 'write the path of a file') ?? undefined;
    }),
    key: works('`health.tls.key`', ({ certificate }, statement, reading) => {
      certificate.key = onlyWord(statement, reading, 'write the path of a file') ?? undefined;
    }),
    password: { state: 'not yet', about: 'in YAML it is `passphrase-file`' },
    ca: { state: 'no effect', about: 'keepalived does not ask whose certificate a server has' },
  },
};

export const ROOT: Table<Drafts> = {
  where: 'at the top level',
  directives: {
    global_defs: works(
      'what holds for all',
      (drafts, statement, reading) => {
        drafts.globals.place = statement.place;
        readBlock(blockOf(statement, reading), GLOBAL, drafts.globals, reading);
      },
      true,
    ),
    vrrp_script: works('a script to track', script, true),
    vrrp_track_process: works('a process to track', trackedProcess, true),
    vrrp_instance: works(
      'a virtual router: `ha.NAME`',
      named(
        ({ instances }) => instances,
        (name, { place }) => ({
          name,
          place,
          scripts: [],
          processes: [],
          files: [],
          interfaces: [],
          peers: [],
          addresses: [],
          excluded: [],
          routes: [],
          rules: [],
        }),
        INSTANCE,
      ),
      true,
    ),
    vrrp_sync_group: works(
      'virtual routers that move together',
      named(
        ({ groups }) => groups,
        (name, { place }) => ({ name, place, scripts: [], processes: [], interfaces: [], files: [], members: [] }),
        GROUP,
      ),
      true,
    ),
    virtual_server: differs(
      'a listener and its upstream: connections and datagrams are relayed',
      (drafts, statement, reading) => {
        const [kind, group] = statement.words;
        const at = kind?.text === 'group' ? (group?.text ?? '') : endpointOf(statement, reading);
        const draft: VirtualServerDraft = { at: at ?? '', place: statement.place, servers: [] };
        readBlock(blockOf(statement, reading), VIRTUAL_SERVER, draft, reading);
        if (at !== null) drafts.virtualServers.push(draft);
      },
      true,
    ),
    virtual_server_group: differs(
      'addresses and ports of one listener; **ranges and marks are not supported**',
      named(({ serverGroups }) => serverGroups, serverGroupOf, null),
      true,
    ),
    track_file: works('a file whose number is tracked', trackedFile, true),
    vrrp_track_file: works('the same', trackedFile, true),
    ...each(
      'not yet',
      'no addresses, routes and rules are kept besides the virtual ones',
      'static_ipaddress static_routes static_rules track_group',
    ),
    bfd_instance: { state: 'refused', about: 'there is no BFD', isRepeated: true },
    ...each(
      'not yet',
      'it runs in the network namespace that it is started in',
      'net_namespace net_namespace_ipvs namespace_with_ipsets',
    ),
    interface_up_down_delays: { state: 'left out', about: 'an interface counts as it is' },
    ...each('no effect', 'the carrier is what the kernel says', 'linkbeat_interfaces linkbeat_use_polling'),
    garp_group: { state: 'no effect', about: 'announcements are spread by themselves' },
    ...each('no effect', 'of processes of keepalived', 'instance use_pid_dir child_wait_time'),
    SSL: works('of checks by TLS (`SSL_GET`)', (drafts, statement, reading) =>
      readBlock(blockOf(statement, reading), SSL, drafts.globals, reading),
    ),
  },
};

/** The words by which a text is known as keepalived.conf. */
export const ROOT_KEYWORDS: readonly string[] = Object.keys(ROOT.directives);

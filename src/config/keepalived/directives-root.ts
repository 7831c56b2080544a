/** What stands at the top level of keepalived.conf. */
import { blockOf, each, readBlock, type Reading, type Table, works, differs } from './directive.ts';
import { checkName } from '../patterns.ts';
import { GLOBAL } from './directives-global.ts';
import { emptyVirtualServer, endpointOf, VIRTUAL_SERVER } from './directives-servers.ts';
import { FILE, GROUP, INSTANCE, PROCESS, SCRIPT } from './directives-vrrp.ts';
import type { Drafts } from './draft.ts';
import type { Statement } from './statements.ts';

/** The block of something that has a name, once each. */
function named<D extends { readonly name: string }>(
  list: (drafts: Drafts) => D[],
  create: (name: string, statement: Statement) => D,
  table: Table<D>,
): (drafts: Drafts, statement: Statement, reading: Reading) => void {
  return (drafts, statement, reading) => {
    const { words, keyword, place } = statement;
    if (words.length !== 1) {
      reading.report.error(place, `\`${keyword}\` needs one name`, `write \`${keyword} NAME { ... }\``);
      return;
    }
    const [{ text: name }] = words;
    if (checkName(name) !== null) {
      const fix = 'write up to 63 letters, digits, `_`, `.` and `-`, beginning with a letter or digit';
      reading.report.badArgument(statement.placeOf(0), name, keyword, fix);
      return;
    }
    const draft = create(name, statement);
    readBlock(blockOf(statement, reading), table, draft, reading);
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
        const endpoint = endpointOf(statement, reading);
        const draft = emptyVirtualServer(endpoint?.host ?? '', endpoint?.port ?? 0, statement.place);
        readBlock(blockOf(statement, reading), VIRTUAL_SERVER, draft, reading);
        if (endpoint !== null) drafts.virtualServers.push(draft);
      },
      true,
    ),
    virtual_server_group: {
      state: 'not yet',
      about: 'a virtual server has one address and one port',
      isRepeated: true,
    },
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
    SSL: { state: 'no effect', about: 'of checks by TLS (`SSL_GET`), which are not read from this file yet' },
  },
};

/** The words by which a text is known as keepalived.conf. */
export const ROOT_KEYWORDS: readonly string[] = Object.keys(ROOT.directives);

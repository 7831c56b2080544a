/** The directives of VRRP: vrrp_instance, vrrp_sync_group, vrrp_script, vrrp_track_process. */
import { isIP } from './ip.ts';
import {
  blockOf,
  booleanOf,
  differs,
  each,
  integerOf,
  onlyWord,
  readBlock,
  secondsOf,
  type Table,
  works,
} from './directive.ts';
import type { FileDraft, GroupDraft, InstanceDraft, ProcessDraft, ScriptDraft } from './draft.ts';
import {
  notifyDirectives,
  plainAddressOf,
  programOf,
  readAddresses,
  trackingDirectives,
  userOf,
  weightOf,
} from './read-parts.ts';
import { readRoutes, readRules } from './read-routing.ts';
import { wordsOf } from './words.ts';

const HOUR_MS = 3_600_000;
const PASS_LENGTH_MAX = 8;

export const SCRIPT: Table<ScriptDraft> = {
  where: 'in `vrrp_script`',
  directives: {
    script: works('`run`; a name without a path is looked for in the usual folders', (draft, statement, reading) => {
      const program = programOf(statement, reading, false);
      // What is wrong has been said, and is not missing too.
      draft.script = { value: program?.command ?? [], place: statement.place };
    }),
    interval: works('`interval`, 1 s without it', (draft, statement, reading) => {
      const value = secondsOf(statement, reading, 100, 24 * HOUR_MS);
      if (value !== null) draft.intervalMs = { value, place: statement.place };
    }),
    timeout: works('`timeout`, the interval without it', (draft, statement, reading) => {
      const value = secondsOf(statement, reading, 0, HOUR_MS);
      if (value !== null) draft.timeoutMs = { value, place: statement.place };
    }),
    weight: works('`weight`; **`reverse` is refused**', (draft, statement, reading) => {
      draft.weight = weightOf(statement, reading) ?? undefined;
    }),
    rise: works('`rise`, 1 without it', (draft, statement, reading) => {
      draft.rise = integerOf(statement, reading, 1, 1000) ?? undefined;
    }),
    fall: works('`fall`, 1 without it', (draft, statement, reading) => {
      draft.fall = integerOf(statement, reading, 1, 1000) ?? undefined;
    }),
    user: differs('`user`; a group of its own is not used', (draft, statement, reading) => {
      draft.user = userOf(statement, reading) ?? undefined;
    }),
    init_fail: { state: 'no effect', about: 'the first result decides; until then the node is not active' },
  },
};

export const PROCESS: Table<ProcessDraft> = {
  where: 'in `vrrp_track_process`',
  directives: {
    process: works('`process`, with its arguments', (draft, statement) => {
      draft.process = { value: wordsOf(statement.rest).map(({ text }) => text), place: statement.place };
    }),
    param_match: works('`match`: `initial` is `first`, `partial` is `prefix`', (draft, statement, reading) => {
      const fix = 'write initial or partial';
      const text = statement.words.length === 0 ? 'initial' : onlyWord(statement, reading, fix);
      if (text === 'initial' || text === 'partial') draft.match = text === 'initial' ? 'first' : 'prefix';
      else if (text !== null) reading.report.badArgument(statement.placeOf(0), text, 'param_match', fix);
    }),
    weight: works('`weight`; **`reverse` is refused**', (draft, statement, reading) => {
      draft.weight = weightOf(statement, reading) ?? undefined;
    }),
    quorum: differs('only 1: one process is enough', (_draft, statement, reading) => {
      const quorum = integerOf(statement, reading, 1, 65535);
      if (quorum !== null && quorum > 1) {
        reading.report.notYet(statement.place, 'quorum', 'one process of the name is enough', 'write `quorum 1`');
      }
    }),
    quorum_max: { state: 'not yet', about: 'that there are too many processes is no fault' },
    ...each('left out', 'a process that is gone counts at the next look', 'delay fork_delay terminate_delay'),
    full_command: {
      state: 'no effect',
      about: 'the name is compared with the name of the program and with its whole path',
    },
  },
};

export const FILE: Table<FileDraft> = {
  where: 'in `track_file`',
  directives: {
    file: works('`file`', (draft, statement, reading) => {
      const path = onlyWord(statement, reading, 'write the absolute path of a file');
      if (path === null) return;
      if (path.startsWith('/')) draft.path = { value: path, place: statement.place };
      else reading.report.badArgument(statement.placeOf(0), path, 'file', 'write an absolute path');
    }),
    weight: works('`weight`, 1 without it; **`reverse` is refused**', (draft, statement, reading) => {
      draft.weight = weightOf(statement, reading) ?? undefined;
    }),
    init_file: works(
      '`file: { init: }`, 0 without a number; with `overwrite` also if it is there',
      (draft, statement, { report }) => {
        const words = statement.words.map(({ text }) => text);
        const isOverwriting = words.at(-1) === 'overwrite';
        const [text = '0', rest] = isOverwriting ? words.slice(0, -1) : words;
        if (rest !== undefined || !/^-?[0-9]{1,9}$/.test(text)) {
          report.badArgument(
            statement.placeOf(0),
            rest ?? text,
            'init_file',
            'write a whole number, and perhaps `overwrite`',
          );
        } else draft.init = { value: Number(text), isOverwriting };
      },
    ),
  },
};

const DEVICE = /^[^\s/]{1,15}$/;

export const INSTANCE: Table<InstanceDraft> = {
  where: 'in `vrrp_instance`',
  directives: {
    state: differs(
      'nothing: the priority decides, as in keepalived, which begins as backup too',
      (draft, statement, reading) => {
        const fix = 'write MASTER or BACKUP';
        const text = onlyWord(statement, reading, fix);
        if (text === 'MASTER' || text === 'BACKUP') draft.state = { value: text, place: statement.place };
        else if (text !== null) reading.report.badArgument(statement.placeOf(0), text, 'state', fix);
      },
    ),
    interface: works('`interface`', (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write for example `interface eth0`');
      if (text === null) return;
      if (DEVICE.test(text) && !text.endsWith(';')) draft.interface = { value: text, place: statement.place };
      else
        reading.report.badArgument(
          statement.placeOf(0),
          text,
          'interface',
          'write at most 15 characters, for example eth0',
        );
    }),
    virtual_router_id: works('`router-id`', (draft, statement, reading) => {
      const value = integerOf(statement, reading, 1, 255);
      if (value !== null) draft.routerId = { value, place: statement.place };
    }),
    priority: works('`priority`', (draft, statement, reading) => {
      const value = integerOf(statement, reading, 1, 255);
      if (value !== null) draft.priority = { value, place: statement.place };
    }),
    version: works('`version`', (draft, statement, reading) => {
      const value = integerOf(statement, reading, 2, 3);
      if (value !== null) draft.version = { value, place: statement.place };
    }),
    advert_int: works(
      '`advertise`; with version 2 a fraction is rounded, as keepalived does it, and warned about',
      (draft, statement, reading) => {
        const value = secondsOf(statement, reading, 10, 255_000);
        if (value !== null) draft.advertMs = { value, place: statement.place };
      },
    ),
    authentication: works(
      '`auth` of version 2; dropped over IPv6 and with version 3, as keepalived drops it',
      (draft, statement, reading) => {
        readBlock(blockOf(statement, reading), AUTHENTICATION, draft, reading);
      },
    ),
    auth_hmac: { state: 'not yet', about: 'keys are in a file of their own (`unicast.key` in YAML)' },
    nopreempt: works(
      '`preempt: false`; dropped with `state MASTER`, as keepalived drops it, and warned about',
      (draft, statement) => {
        draft.preempt = { value: false, place: statement.place };
      },
    ),
    preempt: works('`preempt: true`', (draft, statement) => {
      draft.preempt = { value: true, place: statement.place };
    }),
    preempt_delay: works('`preempt: { delay: }`', (draft, statement, reading) => {
      const value = secondsOf(statement, reading, 0, 1_000_000);
      if (value !== null) draft.preemptDelayMs = { value, place: statement.place };
    }),
    virtual_ipaddress: works(
      '`addresses`, /32 or /128 without a mask, with `dev` and `label`; brd and other scopes than global are left out',
      (draft, statement, reading) => readAddresses(draft.addresses, statement, reading),
      true,
    ),
    virtual_ipaddress_excluded: works(
      '`excluded`',
      (draft, statement, reading) => readAddresses(draft.excluded, statement, reading),
      true,
    ),
    virtual_routes: differs(
      '`routes`, with the protocol 112; **several next hops, encapsulation and what tunes TCP are refused**',
      (draft, statement, reading) => readRoutes(draft.routes, statement, reading),
      true,
    ),
    virtual_rules: differs(
      "`rules`, with the protocol 112; without a preference they have keepalived's; **`goto`, ports, user ids and `not` are refused**",
      (draft, statement, reading) => readRules(draft.rules, statement, reading),
      true,
    ),
    unicast_src_ip: works('`unicast.source`', (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write an address of this machine');
      if (text === null) return;
      if (isIP(plainAddressOf(text))) draft.unicastSource = { value: plainAddressOf(text), place: statement.place };
      else reading.report.badArgument(statement.placeOf(0), text, 'unicast_src_ip', 'write an IP address');
    }),
    unicast_peer: works(
      '`unicast.peers`; without `min_ttl` any TTL is taken, as keepalived does',
      (draft, statement, reading) => {
        draft.hasPeers = { value: true, place: statement.place };
        for (const line of blockOf(statement, reading)) {
          const address = plainAddressOf(line.keyword);
          const words = line.words.map(({ text }) => text);
          const minTtl = words[0] === 'min_ttl' ? Number(words[1]) : null;
          if (!isIP(address))
            reading.report.badArgument(line.place, line.keyword, 'unicast_peer', 'write an IP address');
          else if (words.length > (minTtl === null ? 0 : 2) || (minTtl !== null && !(minTtl >= 0 && minTtl <= 255))) {
            const reason = 'a peer has no more than `min_ttl NUMBER`';
            reading.report.error(line.placeOf(0), reason, 'write one peer a line, and leave the rest out');
          } else draft.peers.push({ value: { address, minTtl }, place: line.place });
        }
      },
      true,
    ),
    use_vmac: differs('`virtual-mac: true`; a name and a MAC of its own are not used', (draft, statement, reading) => {
      draft.virtualMac = { value: true, place: statement.place };
      if (statement.words.length > 0) {
        reading.report.trap(
          statement.placeOf(0),
          `the interface of the virtual MAC has evenkeel's name, not ${statement.words[0].text}`,
          'adapt firewall rules that name it',
        );
      }
    }),
    ...trackingDirectives<InstanceDraft>(),
    ...notifyDirectives<InstanceDraft>(),
    dont_track_primary: differs(
      'the interface is tracked all the same: without it no advert can be sent',
      (_draft, statement, { report }) => {
        report.trap(
          statement.place,
          'a node whose interface is down is in fault all the same: it can send no adverts',
          'leave it out',
        );
      },
    ),
    strict_mode: differs('the addresses answer all the same', (_draft, statement, reading) => {
      if (!booleanOf(statement, reading)) return;
      reading.report.trap(
        statement.place,
        'with `strict_mode` keepalived drops what is sent to the addresses; evenkeel does not',
        'leave it out',
      );
    }),
    mcast_src_ip: differs('adverts come from the first address of the interface', (_draft, statement, { report }) => {
      report.trap(
        statement.place,
        'adverts come from the first address of the interface, whatever `mcast_src_ip` says',
        'leave it out',
      );
    }),
    higher_prio_send_advert: { state: 'no effect', about: 'an advert of higher priority is always answered' },
    accept: { state: 'no effect', about: 'the addresses always answer' },
    no_accept: { state: 'not yet', about: 'the addresses always answer' },
    mcast_dst_ip: { state: 'not yet', about: 'adverts go to the multicast group of the standard' },
    no_virtual_ipaddress: { state: 'not yet', about: 'a virtual router has an address' },
    lower_prio_no_advert: {
      state: 'not yet',
      about: 'an advert of lower priority is always answered: two would stay active',
    },
    owner_ignore_adverts: { state: 'not yet', about: 'adverts are always heard' },
    down_timer_adverts: { state: 'not yet', about: 'a peer is silent after three adverts (RFC 9568)' },
    unicast_fault_no_peer: { state: 'no effect', about: 'a list of peers without a peer is an error' },
    ...each('not yet', 'virtual MACs are macvlan interfaces, which evenkeel names', 'use_ipvlan use_vmac_addr vrf'),
    ...each(
      'no effect',
      'evenkeel announces addresses at 0, 5, 50 and 250 ms, 1 and 5 s, and then every minute',
      'garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat garp_extra_if',
    ),
    ...each(
      'no effect',
      'only peers are heard, lists of addresses are told and not refused, both checksums are accepted',
      'check_unicast_src skip_check_adv_addr old_unicast_checksum v3_checksum_as_v2 unicast_ttl',
    ),
    ...each('no effect', 'an evenkeel that was frozen listens first', 'timer_expired_backup'),
    ...each(
      'no effect',
      'for keepalived alone',
      'vmac_xmit_base promote_secondaries kernel_rx_buf_size linkbeat_use_polling native_ipv6 debug track_src_ip',
    ),
    lvs_sync_daemon_interface: { state: 'no effect', about: 'there is no IPVS' },
    lvs_sync_daemon_inteface: { state: 'no effect', about: 'there is no IPVS' },
  },
};

const AUTHENTICATION: Table<InstanceDraft> = {
  where: 'in `authentication`',
  directives: {
    auth_type: works('`PASS`; **`AH` is refused**', (draft, statement, reading) => {
      const fix = 'write `auth_type PASS`, on both nodes';
      const text = onlyWord(statement, reading, fix);
      if (text === 'PASS') draft.authType = { value: text, place: statement.place };
      else if (text === 'AH')
        reading.report.refuse(statement.place, 'auth_type AH', 'the Authentication Header of VRRP is not there', fix);
      else if (text !== null) reading.report.badArgument(statement.placeOf(0), text, 'auth_type', fix);
    }),
    auth_pass: works('`auth.pass`: the first 8 characters, warned about', (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write a password of at most 8 characters');
      if (text === null) return;
      if (text.length > PASS_LENGTH_MAX) {
        const what = `only the first ${PASS_LENGTH_MAX} characters of the password count`;
        reading.report.trap(statement.place, what, 'write no more, on both nodes');
      }
      draft.pass = { value: text.slice(0, PASS_LENGTH_MAX), place: statement.place };
    }),
  },
};

export const GROUP: Table<GroupDraft> = {
  where: 'in `vrrp_sync_group`',
  directives: {
    group: works(
      '`group` at each of its virtual routers',
      (draft, statement, reading) => {
        for (const line of blockOf(statement, reading)) {
          for (const [i, name] of [line.keyword, ...line.words.map(({ text }) => text)].entries()) {
            draft.members.push({ value: name, place: i === 0 ? line.place : line.placeOf(i - 1) });
          }
        }
      },
      true,
    ),
    ...trackingDirectives<GroupDraft>(),
    ...notifyDirectives<GroupDraft>(),
    sync_group_tracking_weight: works('weights of what members track count', (draft) => {
      draft.isWeighted = true;
    }),
    global_tracking: { state: 'no effect', about: 'old name of a setting that has none in keepalived' },
  },
};

export const VRRP_TABLES: readonly Table<never>[] = [INSTANCE, AUTHENTICATION, GROUP, SCRIPT, PROCESS, FILE];

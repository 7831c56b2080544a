/** The directives of global_defs, most of which tune keepalived. */
import {
  booleanOf,
  differs,
  each,
  integerOf,
  onlyWord,
  type Reading,
  secondsOf,
  type Table,
  works,
} from './directive.ts';
import type { FifoDraft, Globals } from './draft.ts';
import { programOf, userOf } from './read-parts.ts';
import type { Statement } from './statements.ts';

function readFifo(fifo: FifoDraft, statement: Statement, { report }: Reading): void {
  const [path, user, group] = statement.words;
  const fix = 'write an absolute path, and perhaps whose it is';
  if (path === undefined) report.error(statement.place, `\`${statement.keyword}\` has no value`, fix);
  else if (!path.text.startsWith('/')) report.badArgument(statement.placeOf(0), path.text, statement.keyword, fix);
  else {
    fifo.path = { value: path.text, place: statement.place };
    fifo.user = user?.text;
    if (group !== undefined && group.text !== user.text) {
      report.trap(
        statement.placeOf(2),
        `the group ${group.text} is not used: a FIFO is its user's alone`,
        'leave it out',
      );
    }
  }
}

function readReader(fifo: FifoDraft, statement: Statement, reading: Reading): void {
  const value = programOf(statement, reading, true);
  if (value !== null) fifo.reader = { value, place: statement.place };
}

const GROUP_4 = '224.0.0.18';
const GROUP_6 = 'ff02::12';

export const GLOBAL: Table<Globals> = {
  where: 'in `global_defs`',
  directives: {
    vrrp_version: works(
      '`version` of every IPv4 router, 2 without it; over IPv6 it is 3',
      (globals, statement, reading) => {
        globals.version = integerOf(statement, reading, 2, 3) ?? undefined;
      },
    ),
    script_user: works(
      '`user` of every program; without it `keepalived_script` if there is such a user, or else root',
      (globals, statement, reading) => {
        globals.scriptUser = userOf(statement, reading) ?? undefined;
      },
    ),
    enable_script_security: differs(
      "root is no user to fall back to; that what root runs must be root's own holds without it too",
      (globals) => {
        globals.isSecure = true;
      },
    ),
    vrrp_strict: differs(
      'the addresses answer all the same; RFC 9568 holds without it',
      (globals, statement, reading) => {
        globals.isStrict = booleanOf(statement, reading);
        reading.report.trap(
          statement.place,
          'with `vrrp_strict` keepalived drops what is sent to the addresses; evenkeel does not',
          'leave it out',
        );
      },
    ),
    vrrp_startup_delay: works('`start-delay`', (globals, statement, reading) => {
      globals.startupDelayMs = secondsOf(statement, reading, 0, 3_600_000) ?? undefined;
    }),
    vrrp_mcast_group4: differs(`only ${GROUP_4}`, (_globals, statement, reading) => {
      const text = onlyWord(statement, reading, `write ${GROUP_4}`);
      if (text !== null && text !== GROUP_4)
        reading.report.notYet(
          statement.place,
          'vrrp_mcast_group4',
          `adverts go to ${GROUP_4}`,
          'leave it out on both nodes',
        );
    }),
    vrrp_mcast_group6: differs(`only ${GROUP_6}`, (_globals, statement, reading) => {
      const text = onlyWord(statement, reading, `write ${GROUP_6}`);
      if (text !== null && text !== GROUP_6)
        reading.report.notYet(
          statement.place,
          'vrrp_mcast_group6',
          `adverts go to ${GROUP_6}`,
          'leave it out on both nodes',
        );
    }),
    router_id: {
      state: 'no effect',
      about: 'a label for e-mails of keepalived; nodes are named by `--node` or the host name',
    },
    ...each(
      'left out',
      'there is no e-mail; a notify program can send it',
      'smtp_alert smtp_alert_vrrp smtp_alert_checker',
    ),
    ...each(
      'no effect',
      'there is no e-mail',
      'notification_email notification_email_from smtp_server smtp_connect_timeout smtp_helo_name no_email_faults no_checker_emails',
    ),
    notify_fifo: differs('`notify: { fifo: }`; roles only, and not of real servers', (globals, statement, reading) =>
      readFifo(globals.fifo, statement, reading),
    ),
    notify_fifo_script: works('`notify: { reader: }`', (globals, statement, reading) =>
      readReader(globals.fifo, statement, reading),
    ),
    vrrp_notify_fifo: works('`notify: { fifo: }`', (globals, statement, reading) =>
      readFifo(globals.vrrpFifo, statement, reading),
    ),
    vrrp_notify_fifo_script: works('`notify: { reader: }`', (globals, statement, reading) =>
      readReader(globals.vrrpFifo, statement, reading),
    ),
    ...each(
      'left out',
      'nothing is written of the states of real servers; `evenkeel status --json` says them',
      'lvs_notify_fifo lvs_notify_fifo_script',
    ),
    ...each(
      'left out',
      'there is no SNMP and no D-Bus; `evenkeel status --json` says more',
      'enable_snmp_keepalived enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_traps snmp_socket enable_dbus',
    ),
    ...each(
      'no effect',
      'of SNMP and D-Bus',
      'snmp_vs_stats_update_interval snmp_rs_stats_update_interval dbus_service_name dbus_no_interface_name',
    ),
    ...each(
      'not yet',
      'programs are run when roles change only',
      'startup_script startup_script_timeout shutdown_script shutdown_script_timeout',
    ),
    vrrp_down_timer_adverts: { state: 'not yet', about: 'a peer is silent after three adverts (RFC 9568)' },
    vrrp_lower_prio_no_advert: {
      state: 'not yet',
      about: 'an advert of lower priority is always answered: two would stay active',
    },
    vrrp_owner_ignore_adverts: { state: 'not yet', about: 'adverts are always heard' },
    vrrp_notify_priority_changes: {
      state: 'left out',
      about: 'programs are run when the role changes, and not when a priority does',
    },
    default_interface: { state: 'no effect', about: 'of static addresses; a `vrrp_instance` has to name its own' },
    ...each(
      'no effect',
      'evenkeel announces addresses at 0, 5, 50 and 250 ms, 1 and 5 s, and then every minute',
      'vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_interval vrrp_gna_interval vrrp_min_garp vrrp_garp_extra_if vrrp_vmac_garp_intvl',
    ),
    ...each(
      'no effect',
      'only peers are heard, lists of addresses are told and not refused, both checksums are accepted',
      'vrrp_skip_check_adv_addr vrrp_check_unicast_src v3_checksum_as_v2 vrrp_higher_prio_send_advert log_unknown_vrids',
    ),
    ...each(
      'no effect',
      'evenkeel needs no firewall rules for its addresses',
      'nftables nftables_priority nftables_counters nftables_ifindex vrrp_iptables vrrp_ipsets',
    ),
    ...each(
      'no effect',
      'there is no IPVS',
      'nftables_ipvs nftables_ipvs_start_fwmark lvs_sync_daemon lvs_timeouts lvs_flush lvs_flush_onstop lvs_flush_on_stop rs_init_notifies checker_log_all_failures',
    ),
    ...each(
      'no effect',
      'it runs with real-time priority where it may',
      'max_auto_priority min_auto_priority_delay vrrp_priority checker_priority bfd_priority vrrp_no_swap checker_no_swap bfd_no_swap vrrp_rt_priority checker_rt_priority bfd_rt_priority vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity vrrp_rlimit_rttime checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime bfd_rlimit_rtime',
    ),
    ...each(
      'no effect',
      "names and buffers of keepalived's processes",
      'process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier vrrp_startup_debug',
    ),
    ...each('no effect', 'of virtual MACs that keepalived names', 'vmac_prefix vmac_addr_prefix disable_local_igmp'),
    ...each(
      'no effect',
      'evenkeel reloads by itself with `--watch`, and checks what it reads',
      'reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir tmp_config_directory fifo_write_vrrp_states_on_reload',
    ),
    ...each('no effect', 'an interface may come later', 'dynamic_interfaces vrrp_delay_after_boot'),
    ...each(
      'no effect',
      'for keepalived alone',
      'umask random_seed iproute_usr_dir iproute_etc_dir json_version data_use_instance use_symlink_paths set_supplementary_groups state_dump_file stats_dump_file json_dump_file',
    ),
  },
};

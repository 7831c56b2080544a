/** The directives of virtual servers (IPVS), which become listeners: connections and datagrams are relayed, and not forwarded by the kernel. */
import { parseIp } from '../words/addresses.ts';
import {
  blockOf,
  booleanOf,
  type Directive,
  differs,
  each,
  integerOf,
  onlyWord,
  readBlock,
  type Reading,
  secondsOf,
  type Table,
  works,
} from './directive.ts';
import type {
  CheckDefaults,
  CheckDraft,
  Endpoint,
  Placed,
  Program,
  RealServerDraft,
  ServerGroupDraft,
  UrlDraft,
  VirtualServerDraft,
} from './draft.ts';
import { programOf, userOf, weightOf } from './read-parts.ts';
import type { KeepalivedReport } from './report.ts';
import type { Statement } from './statements.ts';

const HOUR_MS = 3_600_000;

const ALGORITHMS: Readonly<Record<string, string>> = {
  rr: 'round-robin',
  wrr: 'round-robin',
  lc: 'least-connections',
  wlc: 'least-connections',
  sed: 'least-connections',
  nq: 'least-connections',
  sh: 'source-hash',
  mh: 'source-hash',
};

/** `IP PORT`. Null, and reported: it is something else. */
export function endpointOf(statement: Statement, { report }: Reading): Endpoint | null {
  const { keyword, place, words } = statement;
  const [host, port] = words.map(({ text }, i) => ({ value: text, place: statement.placeOf(i) }));
  if (host?.value === 'fwmark' || (host?.value === 'group' && keyword !== 'virtual_server')) {
    const fix = `write \`${keyword} ADDRESS PORT\``;
    report.notYet(place, `${keyword} ${host.value}`, 'connections are told by their address and port', fix);
    return null;
  }
  return readEndpoint(keyword, host ?? { value: '', place }, port, report);
}

function readEndpoint(
  keyword: string,
  host: Placed<string>,
  port: Placed<string> | undefined,
  report: KeepalivedReport,
): Endpoint | null {
  const ip = parseIp(host.value).value;
  if (ip === null) report.badArgument(host.place, host.value, keyword, 'write an IP address and a port');
  else if (port === undefined)
    report.notYet(host.place, `${keyword} without a port`, 'a listener has one port', 'write a port');
  else if (!/^[0-9]{1,5}$/.test(port.value) || Number(port.value) < 1 || Number(port.value) > 65535)
    report.badArgument(port.place, port.value, keyword, 'write a port from 1 to 65535');
  else return { host: ip.address, port: Number(port.value) };
  return null;
}

/** `virtual_server_group`: an address and a port a line. */
export function serverGroupOf(name: string, statement: Statement, reading: Reading): ServerGroupDraft {
  const { report } = reading;
  const endpoints: Endpoint[] = [];
  for (const line of blockOf(statement, reading)) {
    const { keyword: host, place, words } = line;
    if (host === 'fwmark' || /[-/]/.test(host)) {
      const what = host === 'fwmark' ? host : 'a range of addresses';
      report.notYet(place, what, 'a listener has addresses and ports', 'write each address and its port on a line');
      continue;
    }
    const port = words.length === 0 ? undefined : { value: words[0].text, place: line.placeOf(0) };
    const endpoint = readEndpoint('virtual_server_group', { value: host, place }, port, report);
    if (endpoint !== null) endpoints.push(endpoint);
  }
  return { name, place: statement.place, endpoints };
}

/** Of a check, of the checks of a real_server, and of all of a virtual_server. */
function checkDefaults<D extends CheckDefaults>(): Readonly<Record<string, Directive<D>>> {
  return {
    delay_loop: works('`health.interval`, 60 s without it', (draft, statement, reading) => {
      draft.intervalMs = secondsOf(statement, reading, 10, 24 * HOUR_MS) ?? undefined;
    }),
    connect_timeout: works('`health.timeout`, 5 s without it', (draft, statement, reading) => {
      draft.timeoutMs = secondsOf(statement, reading, 1, HOUR_MS) ?? undefined;
    }),
    retry: works('`health.fall` is one more', (draft, statement, reading) => {
      draft.retry = integerOf(statement, reading, 0, 999) ?? undefined;
    }),
    delay_before_retry: works(
      '`health.retry-after`, 1 s without it, and with HTTP 3 s; with `DNS_CHECK` the interval',
      (draft, statement, reading) => {
        draft.retryMs = secondsOf(statement, reading, 10, 24 * HOUR_MS) ?? undefined;
      },
    ),
    alpha: works('`health.initial: down`', (draft, statement, reading) => {
      draft.isAlpha = booleanOf(statement, reading);
    }),
    warmup: { state: 'no effect', about: 'the first check comes at once, and then they are spread by themselves' },
  };
}

const LOGGING = {
  log_all_failures: { state: 'no effect', about: 'the log says it when the reason is another one' },
} as const;

const CHECK_COMMON = {
  connect_port: works<CheckDraft>('`health.port`', (draft, statement, reading) => {
    draft.port = integerOf(statement, reading, 1, 65535) ?? undefined;
  }),
  connect_ip: works<CheckDraft>('`health.address`', (draft, statement, reading) => {
    draft.address = ipOf(statement, reading) ?? undefined;
  }),
  ...checkDefaults<CheckDraft>(),
  ...each<CheckDraft>('not yet', 'checks come from where connections to servers do', 'bindto bind_if bind_port fwmark'),
  ...LOGGING,
};

/** Null, and reported: it is none. */
function ipOf(statement: Statement, reading: Reading): string | null {
  const word = onlyWord(statement, reading, 'write an IP address');
  if (word === null) return null;
  const ip = parseIp(word).value;
  if (ip === null) reading.report.badArgument(statement.placeOf(0), word, 'connect_ip', 'write an IP address');
  return ip?.address ?? null;
}

const URL: Table<UrlDraft> = {
  where: 'in `url`',
  directives: {
    path: works('`health.http`', (draft, statement, reading) => {
      draft.path = onlyWord(statement, reading, 'write for example `path /`') ?? undefined;
    }),
    status_code: works('`health.status`, 200-299 without it', (draft, statement, reading) => {
      draft.status = onlyWord(statement, reading, 'write for example `status_code 200`') ?? undefined;
    }),
    virtualhost: works('`health.host`', (draft, statement, reading) => {
      draft.host = onlyWord(statement, reading, 'write a host name') ?? undefined;
    }),
    ...each(
      'not yet',
      'a check looks at the status alone',
      'digest regex regex_no_match regex_options regex_min_offset regex_max_offset regex_stack',
    ),
  },
};

const TCP_CHECK: Table<CheckDraft> = { where: 'in `TCP_CHECK`', directives: CHECK_COMMON };

const SMTP_CHECK: Table<CheckDraft> = {
  where: 'in `SMTP_CHECK`',
  directives: {
    ...CHECK_COMMON,
    helo_name: { state: 'no effect', about: 'nothing is said to the server' },
    host: { state: 'not yet', about: 'a server is checked at its own address' },
  },
};

const HTTP_DIRECTIVES: Table<CheckDraft>['directives'] = {
  ...CHECK_COMMON,
  nb_get_retry: works<CheckDraft>('`health.fall` is one more', (draft, statement, reading) => {
    draft.retry = integerOf(statement, reading, 0, 999) ?? undefined;
  }),
  url: works(
    '`health.http`, and `health.also` of more than one',
    (draft, statement, reading) => {
      const url: UrlDraft = {};
      readBlock(blockOf(statement, reading), URL, url, reading);
      draft.urls.push(url);
    },
    true,
  ),
  virtualhost: works('`health.host`', (draft, statement, reading) => {
    draft.host ??= onlyWord(statement, reading, 'write a host name') ?? undefined;
  }),
  ...each('no effect', 'for keepalived alone', 'http_protocol fast_recovery tls_compliant'),
};

const HTTP_CHECK: Table<CheckDraft> = {
  where: 'in `HTTP_GET`',
  directives: { ...HTTP_DIRECTIVES, enable_sni: { state: 'no effect', about: 'without TLS' } },
};

const HTTPS_CHECK: Table<CheckDraft> = {
  where: 'in `SSL_GET`',
  directives: {
    ...HTTP_DIRECTIVES,
    enable_sni: works('`health.tls.server-name`: the `virtualhost`', (draft, statement, reading) => {
      draft.isNamed = booleanOf(statement, reading);
    }),
  },
};

const DNS_CHECK: Table<CheckDraft> = {
  where: 'in `DNS_CHECK`',
  directives: {
    ...CHECK_COMMON,
    name: works('`health.dns`, the root without it', (draft, statement, reading) => {
      draft.name = onlyWord(statement, reading, 'write a host name') ?? undefined;
    }),
    type: differs('A records are asked for, whatever it says', (_draft, statement, reading) => {
      onlyWord(statement, reading, 'write for example `type SOA`');
    }),
  },
};

const HEX = /^(?:[0-9a-f]{2})+$/i;

const UDP_CHECK: Table<CheckDraft> = {
  where: 'in `UDP_CHECK`',
  directives: {
    ...CHECK_COMMON,
    payload: works(
      '`health.send`, without it any bytes: **bytes above 7f are refused**',
      (draft, statement, reading) => {
        draft.payload = payloadOf(statement, reading) ?? undefined;
      },
    ),
    require_reply: differs('any answer will do: **one that is written is refused**', (draft, statement, reading) => {
      draft.needsReply = true;
      if (statement.words.length === 0) return;
      const fix = 'leave the text out, or write `health.expect` in YAML';
      reading.report.notYet(statement.place, 'require_reply with a text', 'any answer will do', fix);
    }),
    ...each('not yet', 'an answer may be of any length', 'min_reply_length max_reply_length'),
  },
};

/** Null, and reported: it is none that can be sent. */
function payloadOf(statement: Statement, reading: Reading): string | null {
  const word = onlyWord(statement, reading, 'write bytes in hex, for example `payload 50494e47`');
  if (word === null) return null;
  if (!HEX.test(word)) {
    reading.report.error(statement.place, `"${word}" is not bytes in hex`, 'write for example 50494e47');
    return null;
  }
  const bytes = word.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  if (bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes);
  reading.report.notYet(statement.place, 'payload', 'what is sent is text', 'write bytes up to 7f, or MISC_CHECK');
  return null;
}

const { connect_port: _port, ...OF_ADDRESSES } = CHECK_COMMON;

const PING_CHECK: Table<CheckDraft> = {
  where: 'in `PING_CHECK`',
  directives: { ...OF_ADDRESSES, connect_port: { state: 'no effect', about: 'an echo has no port' } },
};

const FILE_CHECK: Table<CheckDraft> = {
  where: 'in `FILE_CHECK`',
  directives: {
    track_file: works('`health.file`: that of the `track_file`', (draft, statement, reading) => {
      const name = onlyWord(statement, reading, 'write the name of a `track_file`');
      if (name !== null) draft.file = { value: name, place: statement.placeOf(0) };
    }),
    weight: differs('0; **others are refused**', (draft, statement, reading) => {
      draft.weight = weightOf(statement, reading) ?? undefined;
    }),
    dynamic: { state: 'not yet', about: 'the weight of a server is not that of a file' },
  },
};

/** Nothing is connected to. */
const { connect_timeout: _, ...TIMES_OF_PROGRAMS } = checkDefaults<CheckDraft>();

const MISC_CHECK: Table<CheckDraft> = {
  where: 'in `MISC_CHECK`',
  directives: {
    misc_path: works(
      '`health.run`; a name without a path is looked for in the usual folders',
      (draft, statement, reading) => {
        // What is wrong has been said, and is not missing too.
        draft.program = programOf(statement, reading, false)?.command ?? [];
      },
    ),
    misc_timeout: works('`health.timeout`, the interval without it', (draft, statement, reading) => {
      const timeoutMs = secondsOf(statement, reading, 0, HOUR_MS);
      draft.timeoutMs = timeoutMs === null || timeoutMs === 0 ? undefined : timeoutMs;
    }),
    user: differs('`health.user`; a group of its own is not used', (draft, statement, reading) => {
      draft.user = userOf(statement, reading) ?? undefined;
    }),
    misc_dynamic: works('`health.exit-weight`', (draft, statement, reading) => {
      draft.isDynamic = booleanOf(statement, reading);
    }),
    ...TIMES_OF_PROGRAMS,
    ...LOGGING,
  },
};

function placedProgram(statement: Statement, reading: Reading): Placed<Program> | undefined {
  const value = programOf(statement, reading, true);
  return value === null ? undefined : { value, place: statement.place };
}

function addCheck(
  draft: RealServerDraft,
  kind: CheckDraft['kind'],
  table: Table<CheckDraft>,
  statement: Statement,
  reading: Reading,
): void {
  const check: CheckDraft = { place: statement.place, kind, urls: [] };
  readBlock(statement.block ?? [], table, check, reading);
  draft.checks.push(check);
}

const REAL_SERVER: Table<RealServerDraft> = {
  where: 'in `real_server`',
  directives: {
    weight: works('`weight`', (draft, statement, reading) => {
      draft.weight = integerOf(statement, reading, 0, 256) ?? undefined;
    }),
    uthreshold: works('`max-connections`', (draft, statement, reading) => {
      draft.connectionsMax = integerOf(statement, reading, 1, 1_000_000) ?? undefined;
    }),
    TCP_CHECK: works('`health.tcp`', (draft, statement, reading) =>
      addCheck(draft, 'tcp', TCP_CHECK, statement, reading),
    ),
    HTTP_GET: works('`health.http`', (draft, statement, reading) =>
      addCheck(draft, 'http', HTTP_CHECK, statement, reading),
    ),
    SMTP_CHECK: differs('`health.expect: ^220`: nothing is said to the server', (draft, statement, reading) =>
      addCheck(draft, 'smtp', SMTP_CHECK, statement, reading),
    ),
    SSL_GET: works(
      '`health.http` with `tls`; as with keepalived nobody asks whose certificate it is',
      (draft, statement, reading) => addCheck(draft, 'https', HTTPS_CHECK, statement, reading),
    ),
    DNS_CHECK: differs(
      '`health.dns`: A records are asked for, and any answer that is no error will do',
      (draft, statement, reading) => addCheck(draft, 'dns', DNS_CHECK, statement, reading),
    ),
    UDP_CHECK: works('`health.udp`, and with `require_reply` `health.expect` over UDP', (draft, statement, reading) =>
      addCheck(draft, 'udp', UDP_CHECK, statement, reading),
    ),
    MISC_CHECK: works('`health.run`', (draft, statement, reading) =>
      addCheck(draft, 'misc', MISC_CHECK, statement, reading),
    ),
    PING_CHECK: differs('`health.run` with the `ping` of the system', (draft, statement, reading) => {
      addCheck(draft, 'ping', PING_CHECK, statement, reading);
      const check = draft.checks.at(-1)!;
      check.program = [reading.findProgram('ping'), '-n', '-q', '-c', '1', '{address}'];
      check.user = 'root';
    }),
    FILE_CHECK: differs(
      '`health.file`, looked at once a second: **only with `weight 0`**',
      (draft, statement, reading) => addCheck(draft, 'file', FILE_CHECK, statement, reading),
    ),
    BFD_CHECK: { state: 'not yet', about: 'there is no check of this kind' },
    notify_up: works('`notify.up`', (draft, statement, reading) => {
      draft.up = placedProgram(statement, reading);
    }),
    notify_down: works('`notify.down`, and with `omega` `notify.stop`', (draft, statement, reading) => {
      draft.down = placedProgram(statement, reading);
    }),
    ...checkDefaults<RealServerDraft>(),
    virtualhost: works('`health.host`', (draft, statement, reading) => {
      draft.virtualHost = onlyWord(statement, reading, 'write a host name') ?? undefined;
    }),
    ...each(
      'no effect',
      'a server that is down gets no new connections, and keeps those that it has',
      'inhibit_on_failure lthreshold',
    ),
    lvs_method: { state: 'no effect', about: 'connections are relayed' },
    snmp_name: { state: 'no effect', about: 'there is no SNMP' },
    smtp_alert: { state: 'left out', about: 'there is no e-mail; the log says it' },
  },
};

export const VIRTUAL_SERVER: Table<VirtualServerDraft> = {
  where: 'in `virtual_server`',
  directives: {
    real_server: works(
      'a server of the upstream',
      (draft, statement, reading) => {
        const endpoint = endpointOf(statement, reading);
        const server: RealServerDraft = { host: '', port: 0, ...endpoint, place: statement.place, checks: [] };
        readBlock(statement.block ?? [], REAL_SERVER, server, reading);
        if (endpoint !== null) draft.servers.push(server);
      },
      true,
    ),
    sorry_server: differs(
      'a server with `backup: true`, checked as the others are where all have the same check',
      (draft, statement, reading) => {
        const endpoint = endpointOf(statement, reading);
        if (endpoint !== null) draft.sorry = { ...endpoint, place: statement.place };
      },
    ),
    ...checkDefaults<VirtualServerDraft>(),
    weight: works('`weight` of its servers that have none', (draft, statement, reading) => {
      draft.weight = integerOf(statement, reading, 0, 256) ?? undefined;
    }),
    lb_algo: algorithm(),
    lvs_sched: algorithm(),
    lb_kind: method(),
    lvs_method: method(),
    protocol: differs('only `TCP` and `UDP`', (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write TCP or UDP');
      draft.isUdp = text === 'UDP';
      if (text === 'SCTP') {
        reading.report.notYet(
          statement.place,
          `protocol ${text}`,
          'only TCP and UDP are relayed',
          'leave this virtual server out',
        );
      } else if (text !== null && text !== 'TCP' && text !== 'UDP')
        reading.report.badArgument(statement.placeOf(0), text, 'protocol', 'write TCP or UDP');
    }),
    persistence_timeout: differs(
      '`balance: source-hash`: a client stays with its server without an end',
      (draft, statement) => {
        draft.isPersistent = { value: statement.words[0]?.text !== '0', place: statement.place };
      },
    ),
    virtualhost: works('`health.host`', (draft, statement, reading) => {
      draft.virtualHost = onlyWord(statement, reading, 'write a host name') ?? undefined;
    }),
    quorum: differs(
      '`quorum.weight`: without it backup servers are used, if one is up; what is more than all have is less, as in keepalived, and warned about',
      (draft, statement, reading) => {
        const value = integerOf(statement, reading, 1, 65535);
        if (value !== null) draft.quorum = { value, place: statement.place };
      },
    ),
    hysteresis: works('`quorum.hysteresis`', (draft, statement, reading) => {
      const value = integerOf(statement, reading, 0, 65534);
      if (value !== null) draft.hysteresis = { value, place: statement.place };
    }),
    quorum_up: works('`quorum.up`', (draft, statement, reading) => {
      draft.up = placedProgram(statement, reading);
    }),
    quorum_down: works('`quorum.down`, and with `omega` `quorum.stop`', (draft, statement, reading) => {
      draft.down = placedProgram(statement, reading);
    }),
    omega: works('programs for what is down are run at a stop too', (draft, statement, reading) => {
      draft.isOmega = booleanOf(statement, reading);
    }),
    ...each('not yet', 'of IPVS', 'persistence_engine persistence_granularity ip_family'),
    ...each(
      'no effect',
      'connections are relayed; checks are spread by themselves and repeated after the interval',
      'ha_suspend ops hashed flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback inhibit_on_failure sorry_server_inhibit sorry_server_lvs_method snmp_name',
    ),
    smtp_alert: { state: 'left out', about: 'there is no e-mail; the log says it' },
  },
};

function algorithm(): Table<VirtualServerDraft>['directives'][string] {
  return differs(
    '`balance`: rr, wrr: `round-robin`; lc, wlc, sed, nq: `least-connections`; sh, mh: `source-hash`; **others are refused**',
    (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write for example wrr');
      if (text === null) return;
      if (Object.hasOwn(ALGORITHMS, text)) draft.balance = ALGORITHMS[text];
      else
        reading.report.notYet(
          statement.place,
          `${statement.keyword} ${text}`,
          'there is no such way to balance',
          'write wrr or wlc',
        );
    },
  );
}

function method(): Table<VirtualServerDraft>['directives'][string] {
  return differs(
    'connections are relayed, whatever it says: servers see an address of this node',
    (draft, statement, reading) => {
      const text = onlyWord(statement, reading, 'write NAT, DR or TUN');
      if (text !== null) draft.method = { value: text, place: statement.place };
    },
  );
}

export const SERVER_TABLES: readonly Table<never>[] = [
  VIRTUAL_SERVER,
  REAL_SERVER,
  HTTP_CHECK,
  HTTPS_CHECK,
  URL,
  DNS_CHECK,
  UDP_CHECK,
  MISC_CHECK,
  TCP_CHECK,
  SMTP_CHECK,
  PING_CHECK,
  FILE_CHECK,
];

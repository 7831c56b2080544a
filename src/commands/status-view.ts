/** The status document as text for people. Pure. */
import type { AcmeView, CertificateFaultView, CertificateView } from '../api/certificates.ts';
import type {
  AnswerView,
  CheckView,
  ListenerView,
  OverrideView,
  ProxyView,
  ServerView,
  UpstreamView,
} from '../api/data-plane.ts';
import type { PairNodeView } from '../api/nodes.ts';
import type { ConfigurationView, LinkView, StatusDocument } from '../api/status.ts';
import type { ClaimView, GuardView, PeerView, RestraintView, RouterView, WitnessView } from '../api/virtual-routers.ts';
import { overrideText } from '../keeper/overrides.ts';
import { ageText } from './age-text.ts';
import { discoveryText } from './discovery-text.ts';
import { announceLines } from './announce-view.ts';
import { type Color, type Paint, painter } from './paint.ts';
import { field, list, trackedText } from './view-lines.ts';

/** A proxy beats twenty times a second; one that is silent for longer is said to be. */
const SILENT_MS = 1_000;
/** Adverts that are missed until a peer is taken for gone (RFC 9568 section 6.1). */
const DOWN_INTERVALS = 4;
const CHANGES_SHOWN = 3;
const NAMES_SHOWN = 3;
const EVIDENCE_SHOWN = 5;

/** `socketPath`: who was asked. */
export function renderStatus(document: StatusDocument, socketPath: string, hasColor: boolean): string {
  const paint = painter(hasColor);
  const { version, pid, isStopping, uptimeMs, configuration, problems, ha, proxies, listeners, upstreams, overrides } =
    document;
  const { answers, unstored } = document;
  const node = ha === null ? '' : `, node ${ha.node}`;
  const lines = [
    `evenkeel ${version}${node}, pid ${pid}, up ${ageText(uptimeMs)}${isStopping ? paint('yellow', ', stopping') : ''}`,
    `asked on ${socketPath}; ${configurationText(configuration, paint)}`,
  ];
  const warnings = [...problems, ...unstored.map((each) => `a restart will forget ${each}`)];
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => paint('yellow', `warning: ${warning}`)));
  if (overrides.length > 0) lines.push('', ...overrides.map((override) => paint('yellow', byHandText(override))));
  for (const router of ha?.routers ?? []) lines.push('', ...routerLines(router, paint));
  // A program of before knows nothing of it.
  if (document.announce) lines.push(...announceLines(document.announce, paint));
  if (ha !== null && ha.owner.problem !== null) {
    lines.push('', paint('red', `no vip process takes part: ${ha.owner.problem}`));
  } else if (ha !== null && ha.owner.restarts > 0) {
    lines.push('', `the vip process (pid ${ha.owner.pid}) has been replaced ${times(ha.owner.restarts)}`);
  }
  if (listeners.length > 0) lines.push('', ...table('listener', listeners.map(listenerRow), paint));
  // A program of before knows nothing of it.
  if (document.tls) {
    const unused = (document.tls.faults ?? []).filter(({ isFormerUsed }) => !isFormerUsed);
    const rows = [...document.tls.certificates.map(certificateRow), ...unused.map(unusedRow)];
    if (rows.length > 0) lines.push('', ...table('certificate', rows, paint));
  }
  const acme = document.tls?.acme ?? [];
  if (acme.length > 0) lines.push('', ...table('asked for', acme.map(acmeRow), paint));
  const peers = document.peers?.peers ?? [];
  if (peers.length > 0) lines.push('', ...table('peer', peers.map(linkRow), paint));
  for (const node of document.peers?.nodes ?? []) lines.push('', ...pairNodeLines(node, document.at, paint));
  if (document.peers?.problem) lines.push(paint('red', `peers        ${document.peers.problem}`));
  if (upstreams.length > 0) {
    lines.push('', ...table('upstream', upstreams.map(upstreamRow), paint));
    lines.push('', ...table('server', upstreams.flatMap(serverRows), paint));
  }
  if (proxies.length > 0) lines.push('', ...table('proxy', proxies.map(proxyRow), paint));
  if (answers.length > 0) lines.push('', ...table('answered by the proxy', answers.flatMap(answerRows), paint));
  return `${lines.join('\n')}\n`;
}

function configurationText({ file, digest, isChanged, setByApi }: ConfigurationView, paint: Paint): string {
  const name = file ?? 'from standard input';
  // A program of before knows nothing of it.
  if (setByApi) return `configuration ${paint('yellow', setText(setByApi))} (${digest}), in place of ${name}`;
  if (isChanged === null)
    return `configuration ${name} (${digest}), ${paint('yellow', 'which cannot be read any more')}`;
  return `configuration ${name} (${digest})${isChanged ? paint('yellow', ', changed on disk since it was loaded') : ''}`;
}

function setText({ by, at, rollbackInMs }: NonNullable<ConfigurationView['setByApi']>): string {
  const who = by === null ? '' : ` by ${by}`;
  const left = rollbackInMs === null ? '' : `, not confirmed: rolled back in ${ageText(rollbackInMs)}`;
  return `set by the API${who} at ${at}${left}`;
}

/** `by hand: server web/192.0.2.7:80 drained; the file says enabled (alice, 5 min 3 s ago)` */
function byHandText({ subject, by, ageMs, file, ...override }: OverrideView): string {
  const who = by === null ? '' : `${by}, `;
  return `by hand: ${subject} ${overrideText(override, file)} (${who}${ageText(ageMs)} ago)`;
}

const STATE_COLORS: Readonly<Record<RouterView['state'], Color>> = {
  active: 'green',
  leaving: 'yellow',
  backup: 'bold',
  claiming: 'yellow',
  fault: 'red',
  initialize: 'yellow',
  unknown: 'red',
};

/** `changesMax`: of its last ones. */
export function routerLines(router: RouterView, paint: Paint, changesMax = CHANGES_SHOWN): string[] {
  const { name, state, account, addresses, excluded, interfaceName, virtualRouterId, version, intervalMs, group } =
    router;
  const since = account === null || state === 'unknown' ? '' : ` for ${ageText(account.stateAgeMs)}`;
  const priority = account === null ? '' : `, priority ${account.priority}`;
  const lines = [
    `${paint('bold', name)}  ${paint(STATE_COLORS[state], state.toUpperCase())}${since}${priority}`,
    field(
      'where',
      `${interfaceName}, router-id ${virtualRouterId}, VRRP version ${version}, every ${intervalMs / 1000} s` +
        (group === null ? '' : `, group ${group}`),
    ),
  ];
  if (state === 'unknown') lines.push(field('', paint('red', unknownText(router))));
  const hasThem = state === 'active' || state === 'leaving';
  const where = hasThem ? paint('green', 'here') : state === 'unknown' ? 'may be here' : 'not here';
  lines.push(field('addresses', `${addresses.join(', ')}, ${where}`));
  if (excluded.length > 0) lines.push(field('excluded', `${excluded.join(', ')}: not in adverts`));
  for (const key of ['routes', 'rules'] as const) {
    lines.push(
      ...list(key, router[key], ({ text, problem }) => {
        return problem === null ? text : `${text}: ${paint('red', `cannot be added (${problem})`)}`;
      }),
    );
  }
  if (router.restraint !== null) lines.push(field('held back', paint('yellow', restraintText(router.restraint))));
  if (account !== null) lines.push(...accountLines(router, paint));
  lines.push(...list('tracked', router.tracked, (each) => trackedText(each, paint)));
  lines.push(...list('witnesses', router.witnesses, (each) => witnessText(each, paint)));
  lines.push(
    ...list('noticed', router.evidence.slice(0, EVIDENCE_SHOWN), ({ kind, detail, ageMs, total }) => {
      return `${ageText(ageMs)} ago  ${paint('yellow', kind)}${total > 1 ? ` ${times(total)}` : ''}: ${detail}`;
    }),
    ...list('changes', router.changes.slice(0, changesMax), ({ from, to, cause, detail, ageMs }) => {
      return `${ageText(ageMs)} ago  ${from} to ${to}: ${cause}${detail === '' ? '' : `, ${detail}`}`;
    }),
  );
  return lines;
}

function unsentText(unsent: number, paint: Paint): string {
  return unsent === 0 ? '' : `${paint('yellow', `${unsent} not sent by this machine`)}; `;
}

function unknownText({ accountAgeMs, account }: RouterView): string {
  if (accountAgeMs === null || account === null) return 'the vip process has not reported yet';
  return `the vip process has not reported for ${ageText(accountAgeMs)}; what follows is its last report, when it was ${account.state}`;
}

function restraintText({ reason, by, sinceAgeMs, leftMs, endOrder }: RestraintView): string {
  const why =
    reason === 'hand-over'
      ? `handed over${by === null ? '' : ` by ${by}`} ${ageText(sinceAgeMs)} ago`
      : reason === 'late'
        ? `its process died while active ${ageText(sinceAgeMs)} ago, and the next one came too late`
        : reason === 'mute'
          ? `its adverts did not leave this machine ${ageText(sinceAgeMs)} ago`
          : reason === 'certificates'
            ? `started without a certificate of a listener ${ageText(sinceAgeMs)} ago`
            : `started with --restrained ${ageText(sinceAgeMs)} ago`;
  const end = leftMs === null ? '' : `for ${ageText(leftMs)} more, or `;
  return `${why}: leaves them to a peer that serves, ${end}until \`${endOrder}\``;
}

function claimText({ gate, occupant }: ClaimView): string {
  if (occupant === null) return `nobody is active that is heard; ${gate} keeps this node from it`;
  const { by, peer, sinceAgeMs, verdict } = occupant;
  const answers = `${by} has answered for an address for ${ageText(sinceAgeMs)}`;
  if (peer === null) return `${answers}, and is no peer that was heard: it is never taken from there`;
  if (verdict === null)
    return `${answers}, on the machine of peer ${peer}, which is not active: whether it serves is tried soon`;
  const found = verdict.serves === null ? 'cannot be told' : verdict.serves ? 'it does: it stays there' : 'it does not';
  return `${answers}, on the machine of peer ${peer}, which is not active; does it serve: ${found} (${verdict.detail}, ${ageText(verdict.ageMs)} ago)`;
}

function accountLines({ account, lease, state, quorum }: RouterView, paint: Paint): string[] {
  if (account === null) return [];
  const { claim, fault, guards, isContested, adverts, lastAdvertAgeMs, peers, source } = account;
  const lines: string[] = [];
  if (fault !== null) lines.push(field('fault', paint('red', fault)));
  if (claim !== null) lines.push(field('claiming', paint('red', claimText(claim))));
  if (isContested)
    lines.push(field('contested', paint('red', 'somebody else has, or had, the addresses: announced each second')));
  const refused = Object.entries(adverts.refused).filter(([, count]) => count > 0);
  const refusedText = refused.map(([reason, count]) => `${count} ${reason}${REFUSED_WORDS[reason] ?? ''}`).join(', ');
  const sent = state === 'active' && lastAdvertAgeMs !== null ? `, the last ${ageText(lastAdvertAgeMs)} ago` : '';
  lines.push(
    field(
      'adverts',
      `from ${source ?? 'nowhere'}: sent ${adverts.sent}${sent}; ${unsentText(adverts.unsent, paint)}accepted ${adverts.accepted}; ` +
        (refused.length === 0 ? 'none refused' : paint('yellow', `refused ${refusedText}`)),
    ),
  );
  lines.push(
    ...list('peers', peers, (peer) => peerText(peer, paint)),
    ...list('guards', guards, (guard) => guardText(guard, quorum, paint)),
    ...(lease === undefined ? [] : [field('lease', leaseText(lease))]),
  );
  return lines;
}

/** What the reason does not say of itself; how far the clocks are apart is among what was noticed. */
const REFUSED_WORDS: Readonly<Record<string, string | undefined>> = {
  stale: ' (do the clocks agree?)',
  code: ' (signed with another key)',
  'key-unknown': ' (signed with a key that this node has not)',
  'trailer-missing': ' (not signed)',
};
const OTHER_LIST = ', advertises other addresses: the files differ';
const OTHER_PAIR = ', advertises none of these addresses: another pair with this router-id';

/** Only who is active advertises; a backup that was heard once is silent since. */
function peerText({ address, priority, intervalMs, ageMs, addresses }: PeerView, paint: Paint): string {
  const isActive = priority > 0 && ageMs < DOWN_INTERVALS * intervalMs;
  const said = priority === 0 ? 'released' : isActive ? 'is active, ' : 'was active, ';
  const priorityText = priority === 0 ? '' : `priority ${priority}`;
  const drift = addresses === 'all' ? '' : paint('yellow', addresses === 'some' ? OTHER_LIST : OTHER_PAIR);
  return `${address}  ${said}${priorityText}, last advert ${ageText(ageMs)} ago${drift}`;
}

function leaseText({ forMs, holder, member, problem }: NonNullable<RouterView['lease']>): string {
  const whose = holder === '' ? 'nobody has it, as far as is known' : `${holder} has it`;
  const rest = forMs > 0 ? `, for ${ageText(forMs)} yet` : '';
  return `${whose}${rest}; ${problem === null ? `asked of ${member}` : `no answer: ${problem}`}`;
}

function guardText({ name, passes, target, answerAgeMs }: GuardView, quorum: number | null, paint: Paint): string {
  const what = name === 'witnesses' && quorum !== null ? `quorum of ${quorum} witnesses` : name;
  const verdict = passes ? paint('green', 'passes') : paint('red', 'does not pass');
  if (target === null) return `${what}  ${verdict}`;
  const answer = answerAgeMs === null ? 'has never answered' : `answered ${ageText(answerAgeMs)} ago`;
  return `${what}  ${verdict}: ${target} ${answer}`;
}

function witnessText({ name, isAnswering, answerAgeMs, detail }: WitnessView, paint: Paint): string {
  const answered = answerAgeMs === null ? 'never' : `${ageText(answerAgeMs)} ago`;
  return `${name}  ${isAnswering ? paint('green', 'answers') : paint('red', 'does not answer')}: last ${answered}, ${detail}`;
}

function listenerRow(listener: ListenerView): string[] {
  const { name, protocol, state, binds, inKernel = false, connections, accepted, datagrams } = listener;
  const failed = binds
    .filter(({ failure }) => failure !== null)
    .map(({ address, failure }) => `${address}: ${failure}`);
  const addresses = binds.map(({ address }) => address).join(' ');
  const counts = inKernel
    ? `in the kernel, ${accepted} ${datagrams === null ? 'accepted' : 'begun'}`
    : datagrams === null
      ? `${count(connections, 'connection')}, ${accepted} accepted`
      : `${count(connections, 'session')}, ${accepted} begun, ${count(datagrams.in, 'datagram')} in, ${datagrams.out} out`;
  return [name, protocol, addresses, state, state === 'closed' ? '' : counts, failed.join('; ')];
}

function certificateRow({
  listener,
  upstream = '',
  file,
  kind,
  names,
  notAfter,
  daysLeft,
  isStandIn = false,
  ocsp,
  clients,
}: CertificateView): string[] {
  const left = daysLeft < 0 ? 'expired' : `${count(daysLeft, 'day')} left`;
  // A program of before knows nothing of it.
  const response = ocsp ? (ocsp.isStapled ? 'OCSP response' : 'no valid OCSP response') : '';
  return [
    file,
    listener ?? (upstream === undefined ? 'admin API' : `to ${upstream}`),
    kind,
    namesText(names),
    isStandIn ? 'none yet' : left,
    isStandIn ? 'self-signed till then' : `until ${notAfter.slice(0, 10)}`,
    response,
    clients ? `client certificates: ${clients}` : '',
  ];
}

function unusedRow({ file, listener, upstream, names, reason }: CertificateFaultView): string[] {
  return [file, listener ?? `to ${upstream}`, '', namesText(names), 'not used', '', '', reason];
}

function namesText(names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  return `${names.slice(0, NAMES_SHOWN).join(' ')}${more}`;
}

function linkRow({ name, address, isUp, since, reason, version }: LinkView): string[] {
  const state = `${isUp ? 'linked' : 'not linked'} since ${since.slice(0, 19)}Z`;
  return [name, address, state, isUp ? `evenkeel ${version}` : reason];
}

/** `at`: now, by the clock of who was asked. */
function pairNodeLines(node: PairNodeView, at: string, paint: Paint): string[] {
  const { name, isLinked, heardAgeMs, configuration, difference, summary } = node;
  if (heardAgeMs === null) return [`${paint('bold', name)}  has told nothing of itself yet`];
  const age = `its last word is ${ageText(heardAgeMs)} old`;
  const up = summary === null ? '' : `, up ${ageText(summary.uptimeMs)}${summary.isStopping ? ', stopping' : ''}`;
  const lines = [`${paint('bold', name)}  ${isLinked ? age : paint('yellow', age)}${up}`];
  if (configuration !== null) {
    const { digest, since } = configuration;
    const verdict =
      difference === null
        ? paint('green', 'the same as here')
        : paint(
            'yellow',
            `not that of this node for ${ageText(Date.parse(at) - Date.parse(difference.since))}: ${difference.parts.join(', ')}`,
          );
    lines.push(field('goes by', `${digest} since ${since.slice(0, 19)}Z, ${verdict}`));
  }
  if (summary === null) return lines;
  // A program of before tells nothing of announcements.
  const { announcements = [], routers, upstreams, overrides, problems, leftOut } = summary;
  lines.push(
    ...list(
      'routers',
      routers,
      (each) => `${each.name} ${each.state}${each.restraint === null ? '' : `, held back: ${each.restraint}`}`,
    ),
    ...list('announces', announcements, ({ name: what, state, ageMs, obstacle }) => {
      return `${what} ${state} for ${ageText(ageMs)}${obstacle === null ? '' : `: ${obstacle}`}`;
    }),
  );
  const servers = upstreams.map(({ name: upstream, up: usable, servers: all }) => `${upstream} ${usable} of ${all}`);
  if (servers.length > 0) lines.push(field('servers', `up ${servers.join(', ')}`));
  lines.push(
    ...list('by hand', overrides, ({ subject, said, by, ageMs }) => {
      return paint(
        'yellow',
        `${subject} ${said} (${by === null ? '' : `${by}, `}${ageText(ageMs)} before its last word)`,
      );
    }),
    ...list('problems', problems, (problem) => paint('yellow', problem)),
  );
  if (leftOut > 0) lines.push(field('', `and ${leftOut} more: ask there`));
  return lines;
}

function acmeRow({ names, directory, obtainer, state, next, failure }: AcmeView): string[] {
  const more = names.length === 1 ? '' : ` and ${names.length - 1} more`;
  const by = obtainer === null ? '' : ` by ${obtainer}`;
  const when = next === null ? '' : `${state === 'held' ? 'renewed' : 'ordered'} at ${next.slice(0, 19)}Z${by}`;
  const why = failure === null ? '' : `failed at ${failure.at.slice(0, 19)}Z: ${failure.text}`;
  return [`${names[0]}${more}`, new URL(directory).host, state, when, why];
}

function upstreamRow({ discovery, name, balance, tls, waiting, quorum, servers }: UpstreamView): string[] {
  const usable = servers.filter(({ state }) => state === 'up' || state === 'unchecked').length;
  const verdict = usable === 0 ? 'no server' : `${usable} of ${servers.length}`;
  const safety = tls === null ? '' : tls === 'verified' ? 'by TLS' : 'by TLS, not verified';
  const queue = waiting === 0 ? '' : `${waiting} waiting`;
  const enough = quorum === null ? '' : quorumText(quorum);
  const found = discovery === undefined ? '' : discoveryText(discovery);
  return [name, balance, verdict, usable === 0 ? '' : 'take requests', safety, queue, enough, found];
}

function quorumText({ isMet, weight, weightUp }: NonNullable<UpstreamView['quorum']>): string {
  return `${isMet ? 'quorum' : 'no quorum'}: weight ${weightUp} of ${weight} is up`;
}

function serverRows({ name: upstream, servers, check }: UpstreamView): string[][] {
  return servers.map((server) => {
    const { name, address, state, stateAgeMs, connections, requests, failures, shortages } = server;
    const place = address === null || address === name ? '' : ` (${address})`;
    return [
      `${upstream}/${name}${place}`,
      state,
      stateAgeMs === null ? '' : ageText(stateAgeMs),
      weightText(server),
      `${count(connections, 'connection')}, ${requests} in all, ${failures} failed`,
      shortages === 0 ? '' : `${shortages} short of ports, descriptors or memory here`,
      whyText(server, server.check === check ? null : (server.check ?? 'nothing')),
    ];
  });
}

function weightText({ weight, weightShare, isBackup, maxConnections }: ServerView): string {
  const parts = [`weight ${weight}`];
  if (weightShare < 1) parts.push(`${Math.round(weightShare * 100)} % of it so far`);
  if (isBackup) parts.push('backup');
  if (maxConnections !== null) parts.push(`at most ${maxConnections}`);
  return parts.join(', ');
}

/** Why it is in its state, and what was seen last where that says more. `check`: one of its own, or null. */
function whyText({ state, reason, lastCheck, lastFailure, ejectedForMs }: ServerView, check: string | null): string {
  const parts = state === 'up' ? [] : [reason];
  if (ejectedForMs !== null && state === 'ejected') parts.push(`takes requests again in ${ageText(ejectedForMs)}`);
  if (lastCheck !== null) {
    const age = `${ageText(lastCheck.ageMs)} ago`;
    const isNews = lastCheck.isPassed === null || (lastCheck.isPassed !== (state === 'up') && state !== 'ejected');
    parts.push(isNews ? `last check ${age} ${verdictText(lastCheck)}` : `checked ${age}`);
  }
  if (check !== null) parts.push(`its own check: ${check}`);
  if (lastFailure !== null && state !== 'ejected') {
    parts.push(`last failed request ${ageText(lastFailure.ageMs)} ago: ${lastFailure.detail}`);
  }
  return parts.join('; ');
}

function verdictText({ isPassed, detail }: CheckView): string {
  if (isPassed === null) return `could not be made: ${detail}`;
  return isPassed ? 'passed' : `failed: ${detail}`;
}

function proxyRow(
  { state, pid, silentMs, restarts, lastEnd, connections, requests, linesDropped, memory }: ProxyView,
  index: number,
): string[] {
  const isSilent = silentMs > SILENT_MS && state === 'serving';
  const isShort = memory?.state === 'short' || memory?.state === 'exhausted';
  const end = lastEnd === null ? '' : `last one ended ${ageText(lastEnd.ageMs)} ago: ${lastEnd.reason}`;
  return [
    `${index}`,
    isSilent ? `silent for ${ageText(silentMs)}` : isShort ? `${state}, short of memory` : state,
    pid === 0 ? '' : `pid ${pid}`,
    `${count(connections, 'connection')}, ${count(requests, 'request')}`,
    restarts === 0 ? '' : `restarted ${times(restarts)}`,
    memory === null || memory.shed === 0 ? '' : `ended ${count(memory.shed, 'connection')} for want of memory`,
    linesDropped === 0 ? '' : `dropped ${count(linesDropped, 'line')} of access logs`,
    end,
  ];
}

/** Of what is reset for a reason that others are answered with, a line of its own. */
function answerRows({ name, status, text, count, resets = 0 }: AnswerView): string[][] {
  const answer = status === 0 ? (OTHER_ANSWERS[name] ?? 'nothing') : `${status}`;
  const rows = [
    [answer, count - resets],
    ['reset', resets],
  ] as const;
  return rows.filter(([, number]) => number > 0).map(([what, number]) => [what, name, `${times(number)}: ${text}`]);
}

/** What has no status of its own, and is not without an answer. */
const OTHER_ANSWERS: Readonly<Record<string, string | undefined>> = {
  'server-status': 'as the server',
  'client-too-slow': 'cut off',
};

/** Columns as wide as they need; one in which nothing stands is left out. */
function table(title: string, rows: readonly string[][], paint: Paint): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const cells = row.flatMap((cell, column) => {
      if (widths[column] === 0) return [];
      const padded = cell.padEnd(widths[column]);
      return [BAD.test(cell) ? paint('red', padded) : DOUBTFUL.test(cell) ? paint('yellow', padded) : padded];
    });
    return `${title}  ${cells.join('  ')}`.trimEnd();
  });
}

const BAD = /^(.*short of memory|down|ejected|unresolved|ended|silent .*|closed|no server)$/;
const DOUBTFUL = /^(expired|none yet|not used|unchecked|starting|draining|drained|disabled|waiting|[0-9]+ waiting)$/;

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The status document as text for people. Pure. */
import type { RouterView, TrackedView, WitnessView } from '../keeper/ha/ha-status.ts';
import type { ListenerView, ProxyView, StatusDocument, UpstreamView } from '../keeper/status.ts';

type Color = 'bold' | 'dim' | 'green' | 'yellow' | 'red';
type Paint = (color: Color, text: string) => string;

const CODES: Readonly<Record<Color, number>> = { bold: 1, dim: 2, green: 32, yellow: 33, red: 31 };

/** A proxy beats twenty times a second; one that is silent for longer is said to be. */
const SILENT_MS = 1_000;
const CHANGES_SHOWN = 3;
const EVIDENCE_SHOWN = 5;

export function renderStatus(document: StatusDocument, hasColor: boolean): string {
  const paint: Paint = (color, text) => (hasColor ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text);
  const { version, pid, uptimeMs, ha, proxies, listeners, upstreams } = document;
  const node = ha === null ? '' : `, node ${ha.node}`;
  const lines = [`evenkeel ${version}${node}, pid ${pid}, up ${ageText(uptimeMs)}`];
  for (const router of ha?.routers ?? []) lines.push('', ...routerLines(router, paint));
  if (ha !== null && ha.owner.problem !== null) {
    lines.push('', paint('red', `no vip process takes part: ${ha.owner.problem}`));
  } else if (ha !== null && ha.owner.restarts > 0) {
    lines.push('', `the vip process (pid ${ha.owner.pid}) has been replaced ${times(ha.owner.restarts)}`);
  }
  if (listeners.length > 0) lines.push('', ...table('listener', listeners.map(listenerRow), paint));
  if (upstreams.length > 0) lines.push('', ...table('server', upstreams.flatMap(serverRows), paint));
  if (proxies.length > 0) lines.push('', ...table('proxy', proxies.map(proxyRow), paint));
  return `${lines.join('\n')}\n`;
}

/** `0.4 s`, `12 s`, `5 min 3 s`, `2 h 13 min`, `3 d 4 h`. */
export function ageText(ms: number): string {
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const s = Math.round(ms / 1_000);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  const min = Math.floor(s / 60);
  if (min < 1_440) return `${Math.floor(min / 60)} h ${min % 60} min`;
  return `${Math.floor(min / 1_440)} d ${Math.floor((min % 1_440) / 60)} h`;
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

function routerLines(router: RouterView, paint: Paint): string[] {
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
  const where = hasThem ? paint('green', 'here') : state === 'unknown' ? 'perhaps here' : 'not here';
  lines.push(field('addresses', `${addresses.join(', ')}, ${where}`));
  if (excluded.length > 0) lines.push(field('excluded', `${excluded.join(', ')}: not in adverts`));
  if (account !== null) lines.push(...accountLines(router, paint));
  lines.push(...list('tracked', router.tracked, (each) => trackedText(each, paint)));
  lines.push(...list('witnesses', router.witnesses, (each) => witnessText(each, paint)));
  lines.push(
    ...list('noticed', router.evidence.slice(0, EVIDENCE_SHOWN), ({ kind, detail, ageMs, total }) => {
      return `${ageText(ageMs)} ago  ${paint('yellow', kind)}${total > 1 ? ` ${times(total)}` : ''}: ${detail}`;
    }),
    ...list('changes', router.changes.slice(0, CHANGES_SHOWN), ({ from, to, cause, detail, ageMs }) => {
      return `${ageText(ageMs)} ago  ${from} to ${to}: ${cause}${detail === '' ? '' : `, ${detail}`}`;
    }),
  );
  return lines;
}

function unsentText(unsent: number, paint: Paint): string {
  return unsent === 0 ? '' : `${paint('yellow', `${unsent} not sent by this machine`)}; `;
}

function unknownText({ accountAgeMs, account }: RouterView): string {
  if (accountAgeMs === null || account === null) return 'its owner has said nothing yet';
  return `its owner has said nothing for ${ageText(accountAgeMs)}; what follows is from then, when it was ${account.state}`;
}

function accountLines({ account, state, quorum }: RouterView, paint: Paint): string[] {
  if (account === null) return [];
  const { fault, source, lastAdvertAgeMs, peers, guards, adverts } = account;
  const lines: string[] = [];
  if (fault !== null) lines.push(field('fault', paint('red', fault)));
  const refused = Object.entries(adverts.refused).filter(([, count]) => count > 0);
  const refusedText = refused.map(([reason, count]) => `${count} ${reason}`).join(', ');
  const sent = state === 'active' && lastAdvertAgeMs !== null ? `, the last ${ageText(lastAdvertAgeMs)} ago` : '';
  lines.push(
    field(
      'adverts',
      `from ${source ?? 'nowhere'}: sent ${adverts.sent}${sent}; ${unsentText(adverts.unsent, paint)}accepted ${adverts.accepted}; ` +
        (refused.length === 0 ? 'none refused' : paint('yellow', `refused ${refusedText}`)),
    ),
  );
  lines.push(
    ...list('peers', peers, ({ address, priority, ageMs, hasOurAddresses }) => {
      const said = priority === 0 ? 'has released' : `priority ${priority}`;
      return `${address}  ${said}, heard ${ageText(ageMs)} ago${hasOurAddresses ? '' : paint('yellow', ', with other addresses')}`;
    }),
  );
  const open = Object.entries(guards).map(([name, passes]) => {
    const what = name === 'witnesses' && quorum !== null ? `quorum of ${quorum} witnesses` : name;
    return `${what} ${passes ? paint('green', 'passes') : paint('red', 'does not pass')}`;
  });
  if (open.length > 0) lines.push(field('guards', open.join(', ')));
  return lines;
}

function trackedText({ name, weight, isUp, sinceAgeMs, seenAgeMs, detail }: TrackedView, paint: Paint): string {
  const verdict = isUp === null ? paint('yellow', 'no verdict') : isUp ? paint('green', 'well') : paint('red', 'fails');
  const weightText = weight === 0 ? '' : `, weight ${weight}`;
  const seen = seenAgeMs === null ? 'never seen' : `seen ${ageText(seenAgeMs)} ago`;
  return `${name}${weightText}  ${verdict} for ${ageText(sinceAgeMs)}: ${detail}, ${seen}`;
}

function witnessText({ name, isAnswering, answerAgeMs, detail }: WitnessView, paint: Paint): string {
  const answered = answerAgeMs === null ? 'never' : `${ageText(answerAgeMs)} ago`;
  return `${name}  ${isAnswering ? paint('green', 'answers') : paint('red', 'does not answer')}: last ${answered}, ${detail}`;
}

function listenerRow({ name, protocol, binds, isClosed, connections, accepted }: ListenerView): string[] {
  const state = isClosed ? 'could not be opened' : `${connections} connections, ${accepted} accepted`;
  return [name, protocol, binds.join(' '), state];
}

function serverRows({ name: upstream, servers }: UpstreamView): string[][] {
  return servers.map(({ name, state, connections, requests, failures }) => {
    return [`${upstream}/${name}`, state, `${connections} connections, ${requests} in all, ${failures} failed`];
  });
}

function proxyRow({ state, pid, silentMs, requests, sockets }: ProxyView, index: number): string[] {
  const word = silentMs > SILENT_MS ? `silent for ${ageText(silentMs)}` : state;
  return [`${index}`, word, pid === 0 ? '' : `pid ${pid}`, `${requests} requests, ${sockets} sockets`];
}

/** Columns as wide as they need. The second word of a row is its state. */
function table(title: string, rows: readonly string[][], paint: Paint): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const padded = column === row.length - 1 ? cell : cell.padEnd(widths[column]);
      return BAD.test(cell) ? paint('red', padded) : padded;
    });
    return `${title}  ${cells.join('  ')}`;
  });
}

const BAD = /^(down|ejected|unresolved|starting|silent .*|could not be opened)$/;

/** The first line has the label. */
function list<T>(label: string, items: readonly T[], text: (item: T) => string): string[] {
  return items.map((item, i) => field(i === 0 ? label : '', text(item)));
}

function field(label: string, text: string): string {
  return `  ${label.padEnd(10)} ${text}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

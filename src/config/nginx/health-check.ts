/** `health_check` of a location, and the `match` that says what a healthy server answers. */
import { formatDuration } from '../units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import type { Word } from './tokens.ts';
import { parseTime } from './values.ts';

/** What nginx takes for healthy where no `match` says it. */
const STATUSES = '200-399';
const INTERVAL = '5s';

/** `health` of the model's upstream; null: its servers are not asked. */
export function readHealthCheck(scope: Scope, notes: Notes): PlainMap | null {
  const [directive] = scope.own('health_check');
  if (directive === undefined) return null;
  const health: PlainMap = { http: '/', status: STATUSES, interval: INTERVAL, rise: 1, fall: 1, jitter: 0 };
  for (const word of directive.args) readParameter(word, health, scope, notes);
  const timeoutMs = parseTime(scope.argument('proxy_read_timeout') ?? '60s') ?? 60_000;
  // who has not answered by the next check has failed
  health['timeout'] = formatDuration(Math.min(Math.max(1, timeoutMs), parseTime(String(health['interval']))!));
  return health;
}

function readParameter({ text, place }: Word, health: PlainMap, scope: Scope, notes: Notes): void {
  const [name, value = ''] = text.split(/=(.*)/s, 2);
  const bad = (fix: string): void => notes.error(place, `invalid parameter "${text}"`, fix);
  const number = /^[0-9]{1,5}$/.test(value) ? Number(value) : null;
  switch (name) {
    case 'interval': {
      const ms = parseTime(value);
      if (ms === null || ms === 0) bad('write for example interval=5s');
      else health['interval'] = formatDuration(Math.max(10, ms));
      return;
    }
    case 'fails':
    case 'passes':
      if (number === null || number === 0) bad(`write for example ${name}=3`);
      else health[name === 'fails' ? 'fall' : 'rise'] = number;
      return;
    case 'port':
      if (number === null || number === 0) bad('write for example port=8080');
      else health['port'] = number;
      return;
    case 'uri':
      if (value.startsWith('/')) health['http'] = value;
      else bad('write for example uri=/healthz');
      return;
    case 'match':
      readMatch(value, place, health, scope, notes);
      return;
    // a server is up once it has been asked here, too
    case 'mandatory':
    case 'persistent':
    case 'jitter':
    case 'keepalive_time':
      notes.noEffect(place, `health_check ... ${name}`);
      return;
    case 'type':
      notes.notYet(
        place,
        `\`health_check ${text}\``,
        'in evenkeel.yaml it is `health: { grpc: ... }` of an upstream with `protocol: http2`',
      );
      return;
    default:
      bad('correct or remove it');
  }
}

function readMatch(name: string, place: Word['place'], health: PlainMap, scope: Scope, notes: Notes): void {
  const match = scope.all('match').find(({ args }) => args[0].text === name);
  if (match === undefined) {
    notes.error(place, `there is no \`match ${name}\``, 'write it beside the servers');
    return;
  }
  for (const { name: what, args, place: at } of match.block ?? []) {
    const texts = args.map(({ text }) => text);
    if (what === 'status' && texts.every((text) => /^[1-5][0-9]{2}(-[1-5][0-9]{2})?$/.test(text))) {
      health['status'] = texts.length === 1 ? texts[0] : texts;
    } else if (what === 'body' && texts[0] === '~' && /^[^\\^$.|?*+()[\]{}]+$/.test(texts[1] ?? '')) {
      health['body'] = texts[1];
    } else {
      const reason = 'of a match there are only status codes and ranges, and a body with a text in it';
      notes.notYet(at, `\`${[what, ...texts].join(' ')}\` in \`match\``, reason, 'leave it out');
    }
  }
}

/** `health_check` of a location, and the `match` that says what a healthy server answers. */
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { PassModule } from './pass.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import type { Word } from './tokens.ts';
import { parseTime } from './values.ts';

/** What nginx takes for healthy where no `match` says it. */
const STATUSES = '200-399';
const INTERVAL = '5s';
const OF_GRPC = /^(type|grpc_service|grpc_status)=/;

/** `health` of the model's upstream; null: its servers are not asked. */
export function readHealthCheck(scope: Scope, module: PassModule, notes: Notes): PlainMap | null {
  const [directive] = scope.own('health_check');
  if (directive === undefined) return null;
  const health: PlainMap = { http: '/', status: STATUSES, interval: INTERVAL, rise: 1, fall: 1, jitter: 0 };
  const grpc = readGrpc(directive, module, notes);
  if (grpc !== null) {
    for (const key of ['http', 'status']) delete health[key];
    health['grpc'] = grpc;
  }
  for (const word of directive.args) if (!OF_GRPC.test(word.text)) readParameter(word, health, scope, notes);
  const timeoutMs = parseTime(scope.argument(`${module}_read_timeout`) ?? '60s') ?? 60_000;
  // who has not answered by the next check has failed
  health['timeout'] = formatDuration(Math.min(Math.max(1, timeoutMs), parseTime(String(health['interval']))!));
  return health;
}

/** The service that `type=grpc` asks for, the server as a whole if it is empty; null: it is not asked for in gRPC. */
function readGrpc({ args }: Directive, module: PassModule, notes: Notes): string | null {
  let service = '';
  let isAsked = false;
  for (const { text, place } of args.filter((word) => OF_GRPC.test(word.text))) {
    const [name, value = ''] = text.split(/=(.*)/s, 2);
    if (name === 'grpc_service') service = value;
    else if (name === 'grpc_status') {
      const reason = 'a server that has no grpc.health.v1 is not up';
      if (value !== '0')
        notes.notYet(place, `\`health_check ${text}\``, reason, 'leave it out, or write grpc_status=0');
    } else if (text !== 'type=grpc') notes.error(place, `invalid parameter "${text}"`, 'write type=grpc');
    else if (module !== 'grpc')
      notes.error(place, 'type "grpc" is for "grpc_pass"', 'leave it out, or write `grpc_pass`');
    else isAsked = true;
  }
  return isAsked ? service : null;
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
    case 'mandatory':
      health['initial'] = 'down';
      return;
    // what is known of a server outlives a reload in any case
    case 'persistent':
    case 'jitter':
    case 'keepalive_time':
      notes.noEffect(place, `health_check ... ${name}`);
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

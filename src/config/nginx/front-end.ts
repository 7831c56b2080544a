/** nginx.conf as one of the languages of a configuration: text to the same document that YAML holds. */
import type { Finding, Problem } from '../findings/diagnostic.ts';
import type { Code } from '../findings/catalogue.ts';
import { formatDuration } from '../words/units.ts';
import type { FileAccess, FrontEnd, FrontEndContext, FrontEndDocument, RootFile } from '../front-end.ts';
import { markAllGaps, nothingRead } from '../gaps.ts';
import type { ProcessSettings } from '../process-settings.ts';
import { DocumentBuilder, type PlainMap } from './document.ts';
import { readHttp } from './http.ts';
import { Notes } from './notes.ts';
import { type Directive, parseNginx } from './parse.ts';
import { PROCESS_DIRECTIVES, readProcessSettings } from './process-settings.ts';
import { Scope } from './scope.ts';
import { readStream } from './stream.ts';
import { checkStructure } from './structure.ts';
import { parseTime } from './values.ts';

/** As Debian builds nginx. */
export const PREFIX = '/usr/share/nginx/';
const GRACE_MS_MAX = 24 * 3_600_000;
/** A whole file, or a piece of one as they lie in conf.d. */
const LOOKS_LIKE = /^[ \t]*(?:events|http|stream|server|upstream[ \t]+[\w.-]+|map[ \t]+\$\w+[ \t]+\$\w+)[ \t\r\n]*\{/m;

export const nginxFrontEnd: FrontEnd = {
  name: 'nginx',
  recognizes: (text) => LOOKS_LIKE.test(text),
  read,
};

function read(root: RootFile, context: FrontEndContext): FrontEndDocument {
  const { directives, fault, missing } = parseNginx(root, context.files);
  const document = new DocumentBuilder(root.name, root.directory);
  const notes = new Notes(root.rulesProcesses === true ? PROCESS_DIRECTIVES : undefined);
  const main = checkStructure(wrapFragment(directives), 'main', notes);
  for (const { place, reason, fix } of missing) notes.error(place, reason, fix);
  if (fault !== null) {
    notes.error(fault.place, fault.reason, fault.fix);
    return result(nothingRead(), document, notes.diagnostics);
  }
  const scope = new Scope('main', main, null);
  const processes = readProcessSettings(scope, notes);
  readMain(scope, document, root.prefix ?? PREFIX, notes);
  if (notes.hasErrors || notes.lacksParts) markAllGaps(document.value);
  return { ...result(document.value, document, notes.diagnostics), processes };
}

/** Only what the file says of the processes. Null: it cannot be read, and why is said by who reads all of it. */
export function readNginxProcesses(root: RootFile, files: FileAccess): ProcessSettings | null {
  const { directives, fault, missing } = parseNginx(root, files);
  return fault === null && missing.length === 0
    ? readProcessSettings(new Scope('main', directives, null), new Notes())
    : null;
}

function readMain(main: Scope, document: DocumentBuilder, prefix: string, notes: Notes): void {
  const workers = main.own('worker_processes')[0]?.args[0];
  // A piece of a configuration does not say how much of the machine there is for it.
  if (workers === undefined && main.own('events').length > 0) document.value['workers'] = 1;
  if (workers !== undefined && workers.text !== 'auto') {
    if (/^[1-9][0-9]{0,3}$/.test(workers.text)) document.value['workers'] = Number(workers.text);
    else notes.error(workers.place, 'invalid number of "worker_processes"', 'write a number, or auto');
    document.mark(['workers'], workers.place);
  }
  const shutdown = main.own('worker_shutdown_timeout')[0]?.args[0];
  if (shutdown !== undefined) {
    const ms = parseTime(shutdown.text);
    if (ms === null)
      notes.error(shutdown.place, '"worker_shutdown_timeout" directive invalid value', 'write for example 30s');
    else document.value['grace'] = formatDuration(Math.min(ms, GRACE_MS_MAX));
    document.mark(['grace'], shutdown.place);
  }
  for (const { block } of main.own('http')) readHttp(new Scope('http', block!, main), document, prefix, notes);
  for (const { block } of main.own('stream')) readStream(new Scope('stream', block!, main), document, prefix, notes);
  const user = main.own('user')[0];
  const files = document.value['files'] as PlainMap | undefined;
  if (user !== undefined && files !== undefined) {
    files['user'] = user.args[0].text;
    document.mark(['files', 'user'], user.place);
  }
  document.value['listeners'] = document.listeners;
  document.value['upstreams'] = document.upstreams;
}

/** A piece of a configuration, as it is included in `http`, stands for the whole. */
function wrapFragment(directives: readonly Directive[]): readonly Directive[] {
  const isWhole = directives.some(({ name }) => name === 'http' || name === 'stream' || name === 'events');
  const first = directives.find(({ name, block }) => block !== null && /^(server|upstream|map)$/.test(name));
  if (isWhole || first === undefined) return directives;
  return [{ name: 'http', args: [], block: directives, place: first.place }];
}

function result(
  value: unknown,
  document: DocumentBuilder,
  diagnostics: FrontEndDocument['diagnostics'],
): FrontEndDocument {
  return {
    frontEnd: 'nginx',
    value,
    source: document.source,
    diagnostics,
    explain,
  };
}

/** What the checks of the model say in YAML's words. */
const REMEDIES: Readonly<Partial<Record<Code, string>>> = {
  'missing-key': 'write a `server` in `http` or in `stream`',
};

function explain(finding: Finding): Problem {
  const remedy = REMEDIES[finding.code];
  return remedy === undefined ? finding : { ...finding, remedy };
}

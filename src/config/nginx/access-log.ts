/**
 * `access_log` and `log_format`: `access-logs` of the model, each once for its file, its form and its condition. A log only adds: what of it
 * cannot be had is left out, and said.
 */
import type { Place } from '../findings/diagnostic.ts';
import { checkTemplate, parseLog } from '../words/template.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { NamedValues } from './named-values.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';
import { readSyslog } from './syslog.ts';
import { LOG_VARIABLES, STREAM_LOG_VARIABLES } from './table-variables.ts';
import type { Word } from './tokens.ts';
import { parseNginxSize, parseTime } from './values.ts';
import { type Constants, fieldName, isOfConnection, missing, sourceOf, splitVariables } from './variables.ts';

/** Of `stream`, where they are other ones. */
const OF_SESSIONS: ReadonlyMap<string, string> = new Map(
  STREAM_LOG_VARIABLES.map(([name, value]) => [name, value ?? '']),
);
const OF_LOGS: ReadonlyMap<string, string> = new Map(
  LOG_VARIABLES.flatMap(([names, value]) =>
    value === null ? [] : names.split(' ').map((name) => [name, value] as const),
  ),
);
const NOT_LOGGED: ReadonlyMap<string, string> = new Map(
  LOG_VARIABLES.flatMap(([names, value, why]) =>
    value === null ? names.split(' ').map((name) => [name, why] as const) : [],
  ),
);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['default', 'text'],
  ['json', 'json'],
  ['none', 'none'],
]);
const COMBINED = 'combined';
/** What stands for an empty value. */
const DASH = '-';

/** As `access-log` of the model. */
export function oneOrMore(names: readonly string[]): unknown {
  if (names.length === 0) return 'none';
  return names.length === 1 ? names[0] : names;
}

/** A field of the response, as the server or the client has it; null: it is none. */
function fieldOf(variable: string): string | null {
  const named = /^(upstream|sent)_http_(\w+)$/.exec(variable);
  return named === null ? null : `{${named[1] === 'sent' ? 'sent' : 'response'}:${fieldName(named[2])}}`;
}

function isField(variable: string): boolean {
  return fieldOf(variable) !== null;
}

interface LogsContext {
  readonly document: DocumentBuilder;
  /** Which of both it is: their variables are not the same. */
  readonly of: 'http' | 'stream';
  /** What relative paths are below, with a slash at its end. */
  readonly prefix: string;
  /** Variables that the file makes. */
  readonly variables: Constants;
  /** What they are. */
  readonly values: NamedValues;
  readonly notes: Notes;
}

export class AccessLogs {
  private readonly context: LogsContext;
  private readonly formats = new Map<string, Directive>();
  /** Where formats are. */
  private readonly block: readonly Directive[];
  /** A piece of a configuration need not have the formats that it names. */
  private readonly isPiece: boolean;
  private readonly byDirective = new Map<Directive, string | null>();
  private readonly names = new Map<string, string>();

  /** `block`: `http` or `stream`. */
  constructor(block: Scope, context: LogsContext) {
    this.context = context;
    this.block = block.directives;
    this.isPiece = block.outer === null || block.outer.own('events').length === 0;
    for (const directive of block.own('log_format')) this.addFormat(directive);
  }

  /** Names of the logs that requests of this block are in. */
  namesFor(scope: Scope): readonly string[] {
    const written = scope.all('access_log');
    if (written.some(({ args: [path] }) => path.text === 'off')) {
      for (const directive of written) this.checkOff(directive);
      return [];
    }
    return written.flatMap((directive) => this.nameOf(directive) ?? []);
  }

  private addFormat(directive: Directive): void {
    const { args, place } = directive;
    const [name] = args;
    if ((name.text === COMBINED && this.context.of === 'http') || this.formats.has(name.text)) {
      this.context.notes.error(place, `duplicate "log_format" name "${name.text}"`, 'give it another name');
    } else this.formats.set(name.text, directive);
  }

  private checkOff({ args: [path, ...others] }: Directive): void {
    if (path.text !== 'off' || others.length === 0) return;
    this.context.notes.error(others[0].place, `invalid parameter "${others[0].text}"`, 'leave it out');
  }

  /** Null: it has been left out, or is wrong, which has been said. */
  private nameOf(directive: Directive): string | null {
    let name = this.byDirective.get(directive);
    if (name === undefined) {
      const log = this.readLog(directive);
      name = log === null ? null : this.add(log, directive);
      this.byDirective.set(directive, name);
    }
    return name;
  }

  private add(log: PlainMap, { place }: Directive): string {
    const { document } = this.context;
    const key = JSON.stringify(log);
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const logs = (document.value['access-logs'] ??= {}) as PlainMap;
    const file = (log['file'] as string | undefined) ?? (log['syslog'] === undefined ? 'stdout' : 'syslog');
    const name = document.freeName(logs, file.slice(file.lastIndexOf('/') + 1).replace(/\.log$/, ''));
    logs[name] = log;
    document.mark(['access-logs', name], place);
    this.names.set(key, name);
    return name;
  }

  private readLog({ args: [path, format, ...parameters], place }: Directive): PlainMap | null {
    const { notes, prefix } = this.context;
    const leave = (reason: string): null => {
      notes.leftOut(place, `access_log ${path.text}`, reason);
      return null;
    };
    const when = this.readParameters(parameters);
    const form = this.readFormat(format, place);
    if (path.text.includes('$')) return leave('an access log has one file: no variable can be in its path yet');
    if (form === null || when === null) return null;
    if (path.text.startsWith('syslog:')) {
      const syslog = readSyslog(path, notes);
      return syslog === null ? null : { syslog, ...form, ...when };
    }
    const target =
      path.text === '/dev/stdout'
        ? { stdout: true }
        : { file: path.text.startsWith('/') ? path.text : prefix + path.text };
    return { ...target, ...form, ...when };
  }

  private readFormat(word: Word | undefined, place: Place): PlainMap | null {
    const { notes } = this.context;
    if (this.context.of === 'http' && (word === undefined || word.text === COMBINED)) return { format: COMBINED };
    if (word === undefined) {
      notes.error(place, 'log format is not specified', 'name a `log_format` of `stream`');
      return null;
    }
    const directive = this.formats.get(word.text);
    if (directive !== undefined) return this.readForm(directive);
    if (this.isPiece) {
      notes.leftOut(
        word.place,
        `access_log ... ${word.text}`,
        'the format is in another file: name the whole configuration',
      );
    } else
      notes.missing(
        this.block,
        word.place,
        `unknown log format "${word.text}"`,
        `write a \`log_format\` of this name in \`${this.context.of}\``,
      );
    return null;
  }

  private readForm({ args: [name, ...words], place }: Directive): PlainMap | null {
    const { notes } = this.context;
    const written = /^escape=(.*)$/.exec(words[0].text)?.[1];
    const escape = ESCAPES.get(written ?? 'default');
    if (escape === undefined) {
      notes.error(words[0].place, `unknown log format escaping "${written}"`, 'write default, json or none');
      return null;
    }
    const texts = written === undefined ? words : words.slice(1);
    let format = '';
    for (const word of texts) {
      const template = this.translate(word, escape === 'text' ? DASH : '');
      if (template === null) return null;
      format += template;
    }
    if (format === '') {
      notes.leftOut(place, `log_format ${name.text}`, 'a line of it has nothing in it');
      return null;
    }
    return { format, ...(escape === 'text' ? {} : { escape }) };
  }

  /** As a template; `nothing` is what stands for a variable that there is not. Null: it cannot be one, which has been said. */
  private translate(word: Word, nothing: string): string | null {
    const { notes } = this.context;
    const parts = splitVariables(word.text);
    if (parts === null) {
      notes.error(word.place, `invalid parameter "${word.text}"`, 'write the name of a variable behind each `$`');
      return null;
    }
    let template = '';
    for (const { variable, text } of parts) {
      if (variable === null) {
        if (checkTemplate(text, 'log') !== null || parseLog(text).some((part) => typeof part !== 'string')) {
          const reason = 'a word in braces that is a value here cannot be written as text yet';
          notes.leftOut(word.place, `log_format ... ${text}`, reason);
          return null;
        }
        template += text;
        continue;
      }
      const source = this.sourceOf(variable);
      if (source === null) {
        const sign = nothing === '' ? 'it is empty in access logs' : `\`${nothing}\` stands for it in access logs`;
        notes.leftOut(word.place, `$${variable}`, `${this.whyNot(variable) ?? missing(variable)}; ${sign}`);
      }
      template += source === null || source === '' ? nothing : source;
    }
    return template;
  }

  private sourceOf(variable: string): string | null {
    const { of, variables } = this.context;
    if (of === 'stream') {
      const own = OF_SESSIONS.get(variable);
      if (own !== undefined) return own;
      if (OF_LOGS.has(variable)) return null;
    }
    if (this.whyNot(variable) !== null) return null;
    if (of === 'http')
      return variables.get(variable) ?? OF_LOGS.get(variable) ?? fieldOf(variable) ?? sourceOf(variable, variables);
    const source = variables.get(variable) ?? sourceOf(variable, variables);
    return source !== null && isOfConnection(source) ? source : null;
  }

  /** Why it is not there, of what would be known elsewhere. */
  private whyNot(variable: string): string | null {
    return this.context.values.whyNotLogged(variable) ?? NOT_LOGGED.get(variable) ?? null;
  }

  /** The keys that they are; null: with one of them the log is not what it should be, which has been said. */
  private readParameters(words: readonly Word[]): PlainMap | null {
    const { notes } = this.context;
    let found: PlainMap | null = {};
    for (const word of words) {
      const { text, place } = word;
      const [key, value = ''] = [text.replace(/=.*/s, ''), /=(.*)/s.exec(text)?.[1]];
      const bad = (fix: string): void =>
        notes.error(place, `invalid ${key === text ? 'parameter' : key} "${value || text}"`, fix);
      if (key === 'buffer') {
        if ((parseNginxSize(value) ?? 0) === 0) bad('write for example buffer=32k');
      } else if (key === 'flush') {
        if ((parseTime(value) ?? 0) === 0) bad('write for example flush=5m');
      } else if (text === 'gzip' || /^gzip=[1-9]$/.test(text)) {
        notes.leftOut(place, `access_log ... ${text}`, 'lines are written as they are, and not compressed yet');
      } else if (key === 'if' && found !== null) {
        const when = this.readCondition(word);
        found = when === null ? null : { ...found, when };
      } else if (key !== 'if') bad('write buffer=, flush=, gzip or if=');
    }
    return found;
  }

  /** Null: it cannot be one, which has been said. */
  private readCondition(word: Word): string | null {
    const { notes, values } = this.context;
    const isLate = (variable: string): boolean => values.isLate(variable);
    const text = word.text.slice('if='.length);
    const variables = (splitVariables(text) ?? []).flatMap(({ variable }) => variable ?? []);
    const unknown = variables.find((variable) => this.sourceOf(variable) === null);
    const late = variables.filter((variable) => OF_LOGS.has(variable) || isLate(variable) || isField(variable));
    const isOfEnd =
      late.length === variables.length && late.every((one) => one === 'status' || isLate(one) || isField(one));
    if (unknown === undefined && (late.length === 0 || isOfEnd)) return this.translate({ ...word, text }, '') || '0';
    const reason =
      unknown === undefined
        ? 'a condition of an access log goes by values of the request, or by `$status` and a `map` of it'
        : (this.whyNot(unknown) ?? missing(unknown));
    notes.leftOut(word.place, `access_log ... ${word.text}`, reason);
    return null;
  }
}

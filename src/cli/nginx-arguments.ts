/** The command line of nginx, read as nginx reads it (ngx_get_options): letters may share a dash, values may follow them at once. */

export const NGINX_SIGNALS = ['stop', 'quit', 'reopen', 'reload'] as const;
export type NginxSignal = (typeof NGINX_SIGNALS)[number];

export interface NginxOptions {
  /** Null: the usual one. With its last slash. */
  readonly prefix: string | null;
  /** Of the configuration. Null: the usual one. */
  readonly file: string | null;
  readonly errorLog: string | null;
  /** Directives in front of the file's. */
  readonly directives: string | null;
  readonly showsHelp: boolean;
  readonly showsVersion: boolean;
  readonly showsModules: boolean;
  readonly isTest: boolean;
  readonly isDump: boolean;
  readonly isQuiet: boolean;
  readonly signal: NginxSignal | null;
}

type Values = { -readonly [K in keyof NginxOptions]: NginxOptions[K] };

/** What each letter that takes a value says if that is missing. */
const MISSING: Readonly<Record<string, string>> = {
  p: 'option "-p" requires directory name',
  e: 'option "-e" requires file name',
  c: 'option "-c" requires file name',
  g: 'option "-g" requires parameter',
  s: 'option "-s" requires parameter',
};

/** A text says what is wrong, as nginx does. */
export function parseNginxArguments(args: readonly string[]): NginxOptions | string {
  const values: Values = {
    prefix: null,
    file: null,
    errorLog: null,
    directives: null,
    showsHelp: false,
    showsVersion: false,
    showsModules: false,
    isTest: false,
    isDump: false,
    isQuiet: false,
    signal: null,
  };
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (!word.startsWith('-')) return `invalid option: "${word}"`;
    for (let at = 1; at < word.length; at++) {
      const letter = word[at];
      if (setFlag(values, letter)) continue;
      const missing = MISSING[letter];
      if (missing === undefined) return `invalid option: "${letter}"`;
      const value = word.length > at + 1 ? word.slice(at + 1) : args[++i];
      if (value === undefined || value === '') return missing;
      const fault = setValue(values, letter, value);
      if (fault !== null) return fault;
      break;
    }
  }
  return values;
}

function setFlag(values: Values, letter: string): boolean {
  switch (letter) {
    case '?':
    case 'h':
      values.showsVersion = true;
      values.showsHelp = true;
      return true;
    case 'v':
      values.showsVersion = true;
      return true;
    case 'V':
      values.showsVersion = true;
      values.showsModules = true;
      return true;
    case 't':
      values.isTest = true;
      return true;
    case 'T':
      values.isTest = true;
      values.isDump = true;
      return true;
    case 'q':
      values.isQuiet = true;
      return true;
    default:
      return false;
  }
}

/** Null: it is right. */
function setValue(values: Values, letter: string, value: string): string | null {
  switch (letter) {
    case 'p':
      values.prefix = value.endsWith('/') ? value : `${value}/`;
      return null;
    case 'e':
      values.errorLog = value;
      return null;
    case 'c':
      values.file = value;
      return null;
    case 'g':
      values.directives = value;
      return null;
    default: {
      const signal = NGINX_SIGNALS.find((name) => name === value);
      if (signal === undefined) return `invalid option: "-s ${value}"`;
      values.signal = signal;
      return null;
    }
  }
}

/** The command line of keepalived, read as getopt_long(3) reads it: letters may share a dash, long names may be cut short. */

/** Those that have a meaning here. What else keepalived knows is in `withoutEffect`, or refused. */
export interface KeepalivedOptions {
  /** Null: the usual one. */
  readonly file: string | null;
  readonly showsHelp: boolean;
  readonly showsVersion: boolean;
  /** Null: it is to run. A path: where what is wrong goes; empty: to stderr. */
  readonly test: string | null;
  readonly signum: string | null;
  readonly staysInForeground: boolean;
  readonly logsToConsole: boolean;
  readonly isDetailed: boolean;
  readonly pidFile: string | null;
  readonly vrrpPidFile: string | null;
  readonly checkersPidFile: string | null;
  /** Null: the host name. */
  readonly configId: string | null;
  /** Neither of them: both. */
  readonly onlyVrrp: boolean;
  readonly onlyCheckers: boolean;
  readonly withoutEffect: readonly string[];
}

type Values = { -readonly [K in keyof KeepalivedOptions]: KeepalivedOptions[K] };
type ValueKey = 'file' | 'test' | 'signum' | 'pidFile' | 'vrrpPidFile' | 'checkersPidFile' | 'configId';
type FlagKey =
  | 'showsHelp'
  | 'showsVersion'
  | 'staysInForeground'
  | 'logsToConsole'
  | 'isDetailed'
  | 'onlyVrrp'
  | 'onlyCheckers';

interface Option {
  /** Empty: it has none. */
  readonly letter: string;
  readonly name: string;
  readonly value: 'none' | 'needed' | 'possible';
  /** Null: it would only tune keepalived. A text: it is refused, for this reason. */
  readonly key: ValueKey | FlagKey | null;
  readonly refusal?: string;
}

const none = (letter: string, name: string, key: FlagKey | null): Option => ({ letter, name, value: 'none', key });
const needed = (letter: string, name: string, key: ValueKey | null): Option => ({ letter, name, value: 'needed', key });
const refused = (letter: string, name: string, value: Option['value'], refusal: string): Option => {
  return { letter, name, value, key: null, refusal };
};

const OPTIONS: readonly Option[] = [
  needed('f', 'use-file', 'file'),
  none('P', 'vrrp', 'onlyVrrp'),
  none('C', 'check', 'onlyCheckers'),
  none('B', 'no_bfd', null),
  none('', 'all', null),
  none('l', 'log-console', 'logsToConsole'),
  none('D', 'log-detail', 'isDetailed'),
  needed('S', 'log-facility', null),
  needed('g', 'log-file', null),
  none('', 'flush-log-file', null),
  none('G', 'no-syslog', null),
  needed('u', 'umask', null),
  none('X', 'release-vips', null),
  refused('V', 'dont-release-vrrp', 'none', 'what has ended cannot answer at its addresses'),
  none('I', 'dont-release-ipvs', null),
  none('R', 'dont-respawn', null),
  none('n', 'dont-fork', 'staysInForeground'),
  none('d', 'dump-conf', null),
  needed('p', 'pid', 'pidFile'),
  needed('r', 'vrrp_pid', 'vrrpPidFile'),
  needed('c', 'checkers_pid', 'checkersPidFile'),
  needed('b', 'bfd_pid', null),
  refused('T', 'genhash', 'none', 'curl and md5sum do the same'),
  none('a', 'address-monitoring', null),
  none('x', 'snmp', null),
  needed('A', 'snmp-agent-socket', null),
  refused('s', 'namespace', 'needed', '`ip netns exec NAME evenkeel keepalived` does it'),
  none('m', 'core-dump', null),
  { letter: 'M', name: 'core-dump-pattern', value: 'possible', key: null },
  none('e', 'all-config', null),
  needed('i', 'config-id', 'configId'),
  needed('', 'signum', 'signum'),
  { letter: 't', name: 'config-test', value: 'possible', key: 'test' },
  none('v', 'version', 'showsVersion'),
  none('h', 'help', 'showsHelp'),
];

/** A text says what is wrong, as keepalived does where it does. */
export function parseKeepalivedArguments(args: readonly string[]): KeepalivedOptions | string {
  const reader = new Reader();
  for (let i = 0; i < args.length; i++) {
    const fault = reader.read(args[i], () => args[++i]);
    if (fault !== null) return fault;
  }
  return reader.values;
}

class Reader {
  readonly values: Values = {
    file: null,
    showsHelp: false,
    showsVersion: false,
    test: null,
    signum: null,
    staysInForeground: false,
    logsToConsole: false,
    isDetailed: false,
    pidFile: null,
    vrrpPidFile: null,
    checkersPidFile: null,
    configId: null,
    onlyVrrp: false,
    onlyCheckers: false,
    withoutEffect: [],
  };

  /** Null: it is right. `next`: takes the word behind it. */
  read(word: string, next: () => string | undefined): string | null {
    if (word.startsWith('--') && word.length > 2) return this.readLong(word, next);
    if (!word.startsWith('-') || word.length < 2) return `Unexpected argument(s): ${word}`;
    for (let at = 1; at < word.length; at++) {
      const option = OPTIONS.find(({ letter }) => letter === word[at]);
      if (option === undefined) return `Unknown option -${word[at]}`;
      const rest = word.slice(at + 1);
      if (option.value === 'none') {
        const fault = this.take(option, '');
        if (fault !== null) return fault;
        continue;
      }
      const value = rest !== '' || option.value === 'possible' ? rest : next();
      return value === undefined ? `Missing parameter for option -${option.letter}` : this.take(option, value);
    }
    return null;
  }

  private readLong(word: string, next: () => string | undefined): string | null {
    const [, given, assigned] = /^--([^=]*)(?:=(.*))?$/s.exec(word)!;
    const near = OPTIONS.filter(({ name }) => name.startsWith(given));
    const option = near.find(({ name }) => name === given) ?? (near.length === 1 ? near[0] : undefined);
    if (option === undefined) return `Unknown option ${word}`;
    if (option.value === 'none') return assigned === undefined ? this.take(option, '') : `Unknown option ${word}`;
    const value = assigned ?? (option.value === 'possible' ? '' : next());
    return value === undefined ? `Missing parameter for option --${option.name}` : this.take(option, value);
  }

  private take({ name, value, key, refusal }: Option, given: string): string | null {
    if (refusal !== undefined) return `Option --${name} is not supported: ${refusal}`;
    if (key === null) this.values.withoutEffect = [...this.values.withoutEffect, `--${name}`];
    else if (value === 'none') this.values[key as FlagKey] = true;
    else this.values[key as ValueKey] = given;
    return null;
  }
}

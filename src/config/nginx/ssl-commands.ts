/** `ssl_conf_command` and its like: commands of OpenSSL (SSL_CONF_cmd(3)) that say what a profile of TLS says, too. */
import { lookUp } from '../../base/look-up.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';

/** Null: nothing is said of it. */
export interface Commands {
  readonly suites: string | null;
  readonly ciphers: string | null;
  readonly groups: string | null;
}

const COMMANDS: Readonly<Record<string, keyof Commands>> = {
  ciphersuites: 'suites',
  cipherstring: 'ciphers',
  groups: 'groups',
  curves: 'groups',
};
/** By option: why it can be left out. Any other might protect somebody. */
const OPTIONS: Readonly<Record<string, string>> = {
  ktls: 'records are encrypted by the proxy itself',
  '-ktls': 'records are encrypted by the proxy itself',
  prioritizechacha: "a client's order counts, unless the server's is to",
  '-compression': 'it is so in any case',
  norenegotiation: 'it is so in any case',
  '-unsafelegacyrenegotiation': 'it is so in any case',
  '-unsaferenegotiation': 'it is so in any case',
};

export function readCommands(directives: readonly Directive[], notes: Notes): Commands {
  const said: Record<keyof Commands, string | null> = { suites: null, ciphers: null, groups: null };
  for (const directive of directives) {
    const [command, value] = directive.args.map(({ text }) => text);
    const key = lookUp(COMMANDS, command.toLowerCase());
    if (key !== undefined) said[key] = value;
    else if (command.toLowerCase() === 'options') readOptions(directive, value.split(','), notes);
    else
      notes.notYet(
        directive.place,
        `\`${directive.name} ${command}\``,
        'only Ciphersuites, CipherString, Groups and some Options are there',
      );
  }
  return said;
}

function readOptions({ name, place }: Directive, options: readonly string[], notes: Notes): void {
  for (const option of options) {
    const reason = lookUp(OPTIONS, option.toLowerCase());
    const what = `${name} Options ${option}`;
    if (reason !== undefined) notes.leftOut(place, what, reason);
    else notes.notYet(place, `\`${what}\``, 'there is no such option here');
  }
}

/** `evenkeel config`: reads and changes the configuration of a running evenkeel. */
import type { Command } from 'commander';
import { parseLapse, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export type ConfigOptions = { readonly socket: string | null } & (
  | { readonly word: 'get'; readonly place: string }
  | ({ readonly word: 'set'; readonly what: SetWhat } & ChangeOptions)
  | ({ readonly word: 'delete'; readonly place: string } & ChangeOptions)
  | ({ readonly word: 'reset' } & Pick<ChangeOptions, 'ifMatch'>)
  | { readonly word: 'diff' | 'etag' | 'confirm' | 'roll-back' }
);

/** All of it, from a file; or a part, in YAML. */
export type SetWhat = { readonly file: string } | { readonly place: string; readonly value: string };

interface ChangeOptions {
  /** What is changed: null is what is there now, whatever it is. */
  readonly ifMatch: string | null;
  /** The one before comes back in so long. Null: it does not. */
  readonly confirmS: number | null;
}

interface ConfigCommand {
  config(options: ConfigOptions): Promise<number>;
}

interface Flags {
  readonly socket?: string;
  readonly ifMatch?: string;
  readonly confirm?: number;
}

const PLACE = 'a JSON Pointer: /upstreams/web/servers/0; in a list `-` is behind the last';
const CHANGES =
  '\nIt is checked as `check` does, and used as by a reload: whole, or not at all. From then on it goes before the files, over reloads, restarts and\n' +
  'upgrades, until `config reset`. Exit code 3: --if-match is of another configuration than the one in force.\n';

export function addConfigCommands(program: Command, context: CliContext<ConfigCommand>): void {
  const config = program.command('config').description('read and change the configuration of a running evenkeel');
  const add = (name: string, description: string): Command =>
    config
      .command(name)
      .description(description)
      .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`);
  const run = async (options: ConfigOptions): Promise<void> => context.exit(await context.commands.config(options));

  add('get', 'print the configuration in force, or a part of it, as JSON and without what is secret')
    .argument('[place]', PLACE, '')
    .action((place: string, flags: Flags) => run({ word: 'get', place, ...socketOf(flags) }));
  add('etag', 'print what the configuration in force is told from others by, for --if-match').action((flags: Flags) =>
    run({ word: 'etag', ...socketOf(flags) }),
  );
  add('diff', 'print where the files say something else than what is in force')
    .addHelpText('after', '\nExit code 0: nowhere; 3: somewhere; 1: the files cannot be run, and why is on stderr.\n')
    .action((flags: Flags) => run({ word: 'diff', ...socketOf(flags) }));
  changing(add('set', 'replace the configuration by that of a file, or a part of it by a value'))
    .argument('<file-or-place>', 'a file, `-` for standard input; or, before a value, a place as in `get`')
    .argument('[value]', 'in YAML: 3, 30s, "192.0.2.7:80", { weight: 2 }')
    .addHelpText('after', CHANGES)
    .action((first: string, value: string | undefined, flags: Flags) =>
      run({
        word: 'set',
        what: value === undefined ? { file: first } : { place: first, value },
        ...changeOf(flags),
        ...socketOf(flags),
      }),
    );
  changing(add('delete', 'take a part out of the configuration'))
    .argument('<place>', PLACE)
    .addHelpText('after', CHANGES)
    .action((place: string, flags: Flags) => run({ word: 'delete', place, ...changeOf(flags), ...socketOf(flags) }));
  add('confirm', 'keep what was set with --confirm').action((flags: Flags) =>
    run({ word: 'confirm', ...socketOf(flags) }),
  );
  add('roll-back', 'take back what was set with --confirm, without waiting').action((flags: Flags) =>
    run({ word: 'roll-back', ...socketOf(flags) }),
  );
  add('reset', 'go by the files again, and forget what was set')
    .option('--if-match <etag>', 'only if this is what is in force: see `etag`')
    .action((flags: Flags) => run({ word: 'reset', ifMatch: flags.ifMatch ?? null, ...socketOf(flags) }));
}

function changing(command: Command): Command {
  return command
    .option('--confirm <duration>', 'take it back after so long, unless `config confirm` is run: 60s, 10m', parseLapse)
    .option('--if-match <etag>', 'only if this is what is in force: see `etag`');
}

function socketOf({ socket }: Flags): { readonly socket: string | null } {
  return { socket: socket ?? null };
}

function changeOf({ ifMatch, confirm }: Flags): ChangeOptions {
  return { ifMatch: ifMatch ?? null, confirmS: confirm ?? null };
}

/** `evenkeel check FILE`: everything that keeps a configuration from running here, or one line about what it says. */
import type { Command } from 'commander';
import { NODE_OPTION, SOCKET_DEFAULT } from './arguments.ts';
import type { ConfigFile } from './config-file.ts';
import { addConfigFiles, configFilesOf, type LanguageFlags } from './config-files.ts';
import type { CliContext } from './context.ts';

export interface CheckOptions {
  /** At least one. */
  readonly files: readonly ConfigFile[];
  /** Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Of the evenkeel that runs here, whose ports are no obstacle. Null: where it usually is. */
  readonly socket: string | null;
  /** This machine is the one that will run it. */
  readonly looksAtHost: boolean;
  readonly isJson: boolean;
}

interface CheckCommand {
  check(options: CheckOptions): Promise<number>;
}

interface Flags extends LanguageFlags {
  readonly node?: string;
  readonly socket?: string;
  readonly host: boolean;
  readonly json?: boolean;
}

export function addCheckCommand(program: Command, context: CliContext<CheckCommand>): void {
  addConfigFiles(
    program
      .command('check')
      .description(
        'check a configuration and this machine: exit code 0 if `run` would start and `reload` would be carried out, else 1 and every error',
      ),
  )
    .option('--node <name>', NODE_OPTION)
    .option(
      '--no-host',
      'check the file alone, for another machine: no interfaces, ports, names, programs and key files',
    )
    .option('--json', 'print the result on stdout, for programs')
    .option(
      '--socket <path>',
      `control socket of the instance that runs here now, and would reload it (default: ${SOCKET_DEFAULT})`,
    )
    .addHelpText(
      'after',
      '\nEvery error is a line on stderr: file:line:column: what is wrong; what to write instead [code]\n',
    )
    .action(async (paths: readonly string[], flags: Flags, command: Command) => {
      const { node, socket, host, json = false } = flags;
      const files = configFilesOf(command, paths, flags);
      const options = { files, node: node ?? null, socket: socket ?? null, looksAtHost: host, isJson: json };
      context.exit(await context.commands.check(options));
    });
}

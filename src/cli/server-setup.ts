/** `evenkeel server-setup FILE...`: what has to be done on servers that answer clients directly. */
import type { Command } from 'commander';
import { NODE_OPTION } from './arguments.ts';
import type { ConfigFile } from './config-file.ts';
import { addConfigFiles, configFilesOf, type LanguageFlags } from './config-files.ts';
import type { CliContext } from './context.ts';

export interface ServerSetupOptions {
  /** At least one. */
  readonly files: readonly ConfigFile[];
  /** Null: the files' `node`, or else the host name. */
  readonly node: string | null;
}

interface ServerSetupCommand {
  serverSetup(options: ServerSetupOptions): Promise<number>;
}

interface Flags extends LanguageFlags {
  readonly node?: string;
}

export function addServerSetupCommand(program: Command, context: CliContext<ServerSetupCommand>): void {
  addConfigFiles(
    program.command('server-setup').description('print the commands for the servers of listeners with `forward: dsr`'),
  )
    .option('--node <name>', NODE_OPTION)
    .addHelpText(
      'after',
      '\nTo be run as root on each server, of Linux. They hold until it is started anew: write the same into its files.\n',
    )
    .action(async (paths: readonly string[], flags: Flags, command: Command) => {
      const files = configFilesOf(command, paths, flags);
      context.exit(await context.commands.serverSetup({ files, node: flags.node ?? null }));
    });
}

/** `evenkeel convert FILE...`: the configuration as evenkeel.yaml. */
import type { Command } from 'commander';
import { NODE_OPTION } from './arguments.ts';
import type { ConfigFile } from './config-file.ts';
import { addConfigFiles, configFilesOf, type LanguageFlags } from './config-files.ts';
import type { CliContext } from './context.ts';

export interface ConvertOptions {
  /** At least one. */
  readonly files: readonly ConfigFile[];
  /** Null: the files' `node`, or else the host name. */
  readonly node: string | null;
}

interface ConvertCommand {
  convert(options: ConvertOptions): Promise<number>;
}

interface Flags extends LanguageFlags {
  readonly node?: string;
}

export function addConvertCommand(program: Command, context: CliContext<ConvertCommand>): void {
  addConfigFiles(
    program.command('convert').description('print a configuration as evenkeel.yaml, saying where each part came from'),
  )
    .option('--node <name>', NODE_OPTION)
    .addHelpText(
      'after',
      '\nWhat `run` does with the result is what it does with the files. Errors are those of `check`.\n',
    )
    .action(async (paths: readonly string[], flags: Flags, command: Command) => {
      const files = configFilesOf(command, paths, flags);
      context.exit(await context.commands.convert({ files, node: flags.node ?? null }));
    });
}

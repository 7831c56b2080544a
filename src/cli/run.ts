/** `evenkeel run FILE`: the load balancer itself, in the foreground. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { CliContext } from './context.ts';
import { NODE_OPTION, parseWorkers, SOCKET_DEFAULT } from './arguments.ts';
import { type ConfigFile, STANDARD_INPUT } from './config-file.ts';
import { addConfigFiles, configFilesOf, type LanguageFlags } from './config-files.ts';

export interface RunOptions {
  /** At least one. */
  readonly files: readonly ConfigFile[];
  /** Only this of them runs. */
  readonly part?: 'addresses' | 'listeners' | null;
  /** Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Null: the best that works here. */
  readonly engine: 'uring' | 'node' | null;
  /** Null: one per core. */
  readonly workers: number | null;
  /** Of the socket for `status` and the like. Null: where it usually is. */
  readonly socket: string | null;
  /** Null: `text`, or as systemd's journal reads it where stderr leads there. */
  readonly logFormat: 'text' | 'json' | null;
  readonly logLevel: 'info' | 'warn' | 'error';
  /** Virtual routers do not preempt. */
  readonly isRestrained: boolean;
  /** Reloads when a file changes. */
  readonly isWatching: boolean;
}

interface RunCommand {
  run(options: RunOptions): Promise<number>;
}

interface Flags extends LanguageFlags {
  readonly socket?: string;
  readonly node?: string;
  readonly engine?: 'uring' | 'node';
  readonly workers?: number;
  readonly logFormat?: 'text' | 'json';
  readonly logLevel: 'info' | 'warn' | 'error';
  readonly restrained?: boolean;
  readonly watch?: boolean;
}

export function addRunCommand(program: Command, context: CliContext<RunCommand>): void {
  addConfigFiles(program.command('run').description('run the load balancer in the foreground'))
    .option('--node <name>', NODE_OPTION)
    .addOption(
      new Option('--engine <engine>', 'force an engine (default: the best that works here)').choices(['uring', 'node']),
    )
    .option('--workers <count>', 'proxy processes (default: one per core)', parseWorkers)
    .option('--socket <path>', `its control socket, for \`status\` and \`handover\` (default: ${SOCKET_DEFAULT})`)
    .addOption(
      new Option(
        '--log-format <format>',
        "of the log on stderr (default: text; in systemd's journal without times, with priorities)",
      ).choices(['text', 'json']),
    )
    .addOption(
      new Option('--log-level <level>', 'the least that is logged').choices(['info', 'warn', 'error']).default('info'),
    )
    .option('--watch', 'reload when a file, or one that it includes or names, has changed')
    .option('--restrained', 'do not preempt: take a virtual address only if no other node is active, until `resume`')
    .addHelpText(
      'after',
      '\nSIGTERM or SIGINT: stop accepting, finish what is in flight within `grace`, exit 0. A second signal ends at once.\n',
    )
    .action(async (paths: readonly string[], flags: Flags, command: Command) => {
      const { node = null, engine = null, workers = null, socket = null, logFormat = null, logLevel } = flags;
      const { restrained: isRestrained = false, watch: isWatching = false } = flags;
      const files = configFilesOf(command, paths, flags);
      if (isWatching && files.some(({ path }) => path === STANDARD_INPUT))
        command.error("error: option '--watch' needs a file: standard input does not change");
      context.exit(
        await context.commands.run({
          files,
          node,
          engine,
          workers,
          socket,
          isRestrained,
          isWatching,
          logFormat,
          logLevel,
        }),
      );
    });
}

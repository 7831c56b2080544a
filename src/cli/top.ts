/** `evenkeel top`: what a running evenkeel does now, on a terminal. */
import type { Command } from 'commander';
import { parseSeconds, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface TopOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
  /** From look to look. */
  readonly intervalS: number;
  /** One picture, as lines. */
  readonly isOnce: boolean;
}

interface TopCommand {
  top(options: TopOptions): Promise<number>;
}

interface Flags {
  readonly interval: number;
  readonly once?: boolean;
  readonly socket?: string;
}

export function addTopCommand(program: Command, context: CliContext<TopCommand>): void {
  program
    .command('top')
    .description('watch the running instance on a terminal: rates, errors, times, servers with their state, roles')
    .option('--interval <seconds>', 'how often it looks', parseSeconds, 1)
    .option('--once', 'look twice, print what was between as lines, and end: for scripts and for what is no terminal')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nKeys: q ends; arrows, PgUp, PgDn, Home and End move in the list of servers; s, r, f, c and n sort it by state, requests,\n' +
        'failures, connections and name, and again the other way round; b shows servers alone that take no requests; space holds the picture.\n',
    )
    .action(async ({ interval, once = false, socket }: Flags) => {
      context.exit(await context.commands.top({ socket: socket ?? null, intervalS: interval, isOnce: once }));
    });
}

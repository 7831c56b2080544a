/** `evenkeel why`: the evidence behind a state. */
import type { Command } from 'commander';
import { SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface WhyOptions {
  /** A server, an upstream, a listener, a virtual address or its router, or the identifier of a request. */
  readonly subject: string;
  /** Null: where it usually is. */
  readonly socket: string | null;
  readonly isJson: boolean;
}

interface WhyCommand {
  why(options: WhyOptions): Promise<number>;
}

interface Flags {
  readonly json?: boolean;
  readonly socket?: string;
}

export function addWhyCommand(program: Command, context: CliContext<WhyCommand>): void {
  program
    .command('why')
    .description(
      'show the evidence behind the state of a server, an upstream, a listener or a virtual address, and why a request was answered with an error',
    )
    .argument(
      '<subject>',
      '`web/192.0.2.7:80`, `web`, `192.168.15.100`, the name of a virtual router, or the request id that a client was told',
    )
    .option('--json', 'print it as JSON')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nThe exit code is 0 if all is well with it, 1 if it is not (a server that takes no requests, an upstream without one, a listener\n' +
        'that is not open, an address that is not where it should be, a request that failed) or if there is nothing of that name.\n',
    )
    .action(async (subject: string, { json = false, socket }: Flags) => {
      context.exit(await context.commands.why({ subject, socket: socket ?? null, isJson: json }));
    });
}

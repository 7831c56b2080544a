/** `evenkeel handover` and `evenkeel resume`: a planned move of virtual addresses to a peer, and the end of the restraint. */
import type { Command } from 'commander';
import { parseLapse, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface MoveOptions {
  readonly kind: 'hand-over' | 'resume';
  /** Null: all of them, or the only one. */
  readonly router: string | null;
  /** Every virtual router. */
  readonly isAll: boolean;
  /** Null: where it usually is. */
  readonly socket: string | null;
  /** How long the peer keeps them at least, while it serves; null: until `resume`. */
  readonly forS: number | null;
}

interface MoveCommand {
  move(options: MoveOptions): Promise<number>;
}

interface Flags {
  readonly all?: boolean;
  readonly socket?: string;
  readonly for?: number;
}

export function addMoveCommands(program: Command, context: CliContext<MoveCommand>): void {
  add(program, context, {
    name: 'handover',
    kind: 'hand-over',
    description: 'give virtual addresses to a peer, and leave them there while it serves',
    help:
      '\nWaits until a peer has taken over, or none will: then the addresses stay here and the exit code is 1. This node\n' +
      'does not preempt until `evenkeel resume`, or until the time of --for is over, also if it is restarted. It takes over\n' +
      'if nobody else is there.\n',
  });
  add(program, context, {
    name: 'resume',
    kind: 'resume',
    description: 'let this node take addresses back that it handed over, if its priority says so',
    help: '',
  });
}

function add(
  program: Command,
  context: CliContext<MoveCommand>,
  texts: {
    readonly name: string;
    readonly kind: MoveOptions['kind'];
    readonly description: string;
    readonly help: string;
  },
): void {
  const { name, kind, description, help } = texts;
  const command = program
    .command(name)
    .description(description)
    .argument('[router]', 'the name of a virtual router, if there are several; its group goes with it')
    .option('--all', 'every virtual router of this node')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText('after', help)
    .action(async (router: string | undefined, { all = false, socket, for: forS }: Flags) => {
      if (router !== undefined && all) command.error('error: write the name of one virtual router, or --all');
      const place = { router: router ?? null, isAll: all, socket: socket ?? null };
      context.exit(await context.commands.move({ kind, ...place, forS: forS ?? null }));
    });
  if (kind !== 'hand-over') return;
  command.option('--for <duration>', 'take them back after so long: 10m, 2h', parseLapse);
}

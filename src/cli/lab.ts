/** `evenkeel lab`: a pair of load balancers on one machine, to break and to watch. */
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/words/units.ts';
import { parseSeconds } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface LabOptions {
  readonly advertiseMs: number;
  /** Both nodes give the address up while the client's side does not answer them. */
  readonly guardsGateway: boolean;
  /** Ends by itself after this time. Null: when asked to. */
  readonly seconds: number | null;
  /** Only removes what labs have left behind. */
  readonly isCleaning: boolean;
}

interface LabCommand {
  lab(options: LabOptions): Promise<number>;
}

interface Flags {
  readonly advertise?: number;
  readonly guardGateway?: boolean;
  readonly seconds?: number;
  readonly clean?: boolean;
}

const ADVERTISE_MS = 1000;

const HELP = `
Commands, as keys on a terminal or else as lines on stdin. Without a node it is the one that has the address.

  kill | freeze | thaw [NODE]     every process of the node: kill -9, SIGSTOP, SIGCONT
  cut | isolate [NODE]            pull its cable | cut it off behind the switch, where it does not see it
  deafen                          let no advert through between the nodes
  heal                            whole network again
  stop | start [NODE]             SIGTERM | run it again
  handover | resume [NODE]        give the address to the other node | let it take it back
  wait SECONDS                    before the next line
  quit

Needs root: everything is in network namespaces. They are removed at the end, however it comes.
`;

export function addLabCommand(program: Command, context: CliContext<LabCommand>): void {
  program
    .command('lab')
    .description('break a pair of load balancers on this machine, and watch the virtual address and a client')
    .option('--advertise <duration>', 'time between adverts (default: 1s)', parseAdvertise)
    .option('--guard-gateway', "give the address up while the client's side does not answer")
    .option('--seconds <count>', 'end by itself after this time', parseSeconds)
    .option('--clean', 'only remove what an earlier lab has left behind')
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      const { advertise = ADVERTISE_MS, guardGateway = false, seconds = null, clean = false } = flags;
      const options = { advertiseMs: advertise, guardsGateway: guardGateway, seconds, isCleaning: clean };
      context.exit(await context.commands.lab(options));
    });
}

function parseAdvertise(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 10 || ms > 40_950 || ms % 10 !== 0) {
    throw new InvalidArgumentError('Write 10ms to 40950ms in steps of 10ms.');
  }
  return ms;
}

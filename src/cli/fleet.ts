/** `evenkeel fleet`: one configuration for many nodes, by way of etcd. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseLapse, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

/** How many nodes have it after a step. */
export type StepOption = { readonly kind: 'count' | 'percent'; readonly value: number } | { readonly kind: 'all' };

/** Where it is in etcd. */
export interface FleetOptions {
  readonly etcd: readonly string[];
  readonly key: string;
  /** Paths of files; null: none. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly privateKey: string | null;
}

export type FleetWords =
  | { readonly word: 'follow'; readonly node: string | null; readonly socket: string | null }
  | { readonly word: 'publish'; readonly file: string; readonly steps: readonly StepOption[]; readonly watchS: number }
  | { readonly word: 'stop'; readonly why: string }
  | { readonly word: 'status' };

interface FleetCommand {
  fleet(options: FleetOptions & FleetWords): Promise<number>;
}

interface Flags {
  readonly etcd: readonly string[];
  readonly key: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

const KEY_DEFAULT = '/evenkeel/configuration';

export function addFleetCommands(program: Command, context: CliContext<FleetCommand>): void {
  const fleet = program.command('fleet').description('one configuration for many nodes, by way of etcd');
  const add = (name: string, description: string): Command =>
    fleet
      .command(name)
      .description(description)
      .requiredOption('--etcd <url...>', 'members of an etcd cluster: https://192.0.2.21:2379', addMember)
      .option('--key <key>', 'where it is in etcd', KEY_DEFAULT)
      .option('--ca <file>', 'the authorities that have signed their certificates')
      .option('--certificate <file>', 'what they are shown')
      .option('--private-key <file>', 'its key');
  const run = async (flags: Flags, words: FleetWords): Promise<void> => {
    const { ca = null, certificate = null, etcd, key, privateKey = null } = flags;
    context.exit(await context.commands.fleet({ ca, certificate, etcd, key, privateKey, ...words }));
  };

  add('follow', 'have the evenkeel of this machine go by what is published, until it is ended')
    .option('--node <name>', 'what this node is called (default: the host name)')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nA version is used as by `config set --confirm`: unless requests fail more often with it, it is kept, and goes before the files from\n' +
        'then on, also where etcd is not there. Runs beside evenkeel, as a service of its own.\n',
    )
    .action((flags: Flags & { readonly node?: string; readonly socket?: string }) =>
      run(flags, { word: 'follow', node: flags.node ?? null, socket: flags.socket ?? null }),
    );
  add('publish', 'give a configuration to the nodes that follow, some first, and the others when those keep it')
    .argument('<file>', 'evenkeel.yaml, or nginx.conf')
    .addOption(
      new Option('--steps <list>', 'how many nodes have it after each step: 1,25%,all')
        .argParser(parseSteps)
        .default(parseSteps('1,all'), '1,all'),
    )
    .addOption(
      new Option('--watch <duration>', 'how long each node looks whether errors rise: 60s, 10m')
        .argParser(parseLapse)
        .default(60, '60s'),
    )
    .addHelpText(
      'after',
      '\nWaits until every node keeps it. Exit code 1 if one of them refuses it, or requests fail more often with it: then all\n' +
        'nodes have the version before. If this command is ended, the step that was reached stays; `fleet stop` takes it back.\n',
    )
    .action((file: string, flags: Flags & { readonly steps: readonly StepOption[]; readonly watch: number }) =>
      run(flags, { word: 'publish', file, steps: flags.steps, watchS: flags.watch }),
    );
  add('stop', 'go back to the version before, on all nodes')
    .option('--why <text>', 'for those who ask', 'by hand')
    .action((flags: Flags & { readonly why: string }) => run(flags, { word: 'stop', why: flags.why }));
  add('status', 'print which version each node has').action((flags: Flags) => run(flags, { word: 'status' }));
}

function addMember(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^https?:\/\/[^/?#@\s]+:\d{1,5}$/.test(text))
    throw new InvalidArgumentError(`${text} is not the URL of a member: write for example http://192.0.2.21:2379.`);
  return [...before, text];
}

function parseSteps(text: string): readonly StepOption[] {
  const steps = text.split(',').map((word): StepOption => {
    if (word === 'all') return { kind: 'all' };
    const match = /^([1-9]\d{0,3})(%?)$/.exec(word);
    if (match === null || (match[2] === '%' && Number(match[1]) > 100)) {
      throw new InvalidArgumentError(`${word} is not a step: write a number of nodes, a share as 25%, or all.`);
    }
    return { kind: match[2] === '%' ? 'percent' : 'count', value: Number(match[1]) };
  });
  if (steps.at(-1)?.kind !== 'all') throw new InvalidArgumentError('The last step is all.');
  return steps;
}

/** `evenkeel server`, `listener`, `node` and `maintenance`: what an operator says of them by hand, over what the file says. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { parseLapse, SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export type OverrideWord = 'drain' | 'disable' | 'enable' | 'weight' | 'on' | 'off';

export interface OverrideOptions {
  readonly kind: 'server' | 'listener' | 'node' | 'maintenance';
  /** `UPSTREAM/SERVER`, or the name of a listener. Empty: the node, or maintenance of all listeners. */
  readonly name: string;
  readonly word: OverrideWord;
  /** Of the listener that is closed, as metrics call it; null: all of them. */
  readonly route: string | null;
  /** Of `weight`; null: as in the file. */
  readonly weight: number | null;
  /** How long it is waited for the last connection to end; null: not at all. */
  readonly waitS: number | null;
  /** Null: where it usually is. */
  readonly socket: string | null;
}

interface OverrideCommand {
  override(options: OverrideOptions): Promise<number>;
}

interface Flags {
  readonly route?: string;
  readonly wait?: number;
  readonly socket?: string;
}

const KINDS = {
  server: {
    description: 'drain, disable or weigh a server by hand, until it is enabled again',
    argument: new Argument('<upstream/server>', 'as in the file: web/192.0.2.7:80').argParser(parseServer),
    words: {
      drain: 'send no new client there; those that a hash binds to it stay, and what is open goes on',
      disable: 'send nobody there; what is open goes on',
      enable: 'let it work again, with the weight of the file',
      weight: 'give it another weight; 0 drains it, and without a number the one of the file holds again',
    },
  },
  listener: {
    description: 'close a listener to new clients by hand, until it is enabled again',
    argument: new Argument('<listener>', 'its name in the file'),
    words: {
      drain: 'refuse new connections; what is open goes on',
      enable: 'accept again',
    },
  },
  node: {
    description: 'take clients away from this node by hand, until it is enabled again',
    argument: null,
    words: {
      drain: 'answer that it is not ready, hand its virtual addresses over, and keep no client for another request',
      enable: 'answer that it is ready, and take addresses back if the priority says so',
    },
  },
  maintenance: {
    description: 'answer clients with a page by hand, until that is taken back',
    argument: new Argument('[listener]', 'its name in the file; without it all listeners of HTTP'),
    words: {
      on: 'answer with the page of `maintenance` in the file; what is under way goes on',
      off: 'serve again',
    },
  },
} as const;

export function addOverrideCommands(program: Command, context: CliContext<OverrideCommand>): void {
  for (const kind of ['server', 'listener', 'node', 'maintenance'] as const) {
    const { description, argument, words } = KINDS[kind];
    const group = program.command(kind).description(description);
    for (const [word, what] of Object.entries(words) as [OverrideWord, string][]) {
      const command = group.command(word).description(what);
      if (argument !== null) command.addArgument(argument);
      if (word === 'weight') command.argument('[weight]', 'from 0 to 256', parseWeight);
      command.option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`);
      if (kind === 'maintenance')
        command.option('--route <label>', 'only this route, as metrics call it: shop.example/cart');
      if (word === 'drain' || word === 'disable') {
        command
          .option('--wait <duration>', 'wait until no connection is left: 60s, 10m', parseLapse)
          .addHelpText('after', '\nWith --wait the exit code is 1 if connections are left when the time is over.\n');
      }
      command.action(async (...given: unknown[]) => {
        const { route, socket, wait } = command.opts<Flags>();
        const name = argument === null ? '' : ((given[0] as string | undefined) ?? '');
        const weight = word === 'weight' ? ((given[1] as number | undefined) ?? null) : null;
        const options = { kind, name, word, weight, route: route ?? null, waitS: wait ?? null, socket: socket ?? null };
        context.exit(await context.commands.override(options));
      });
    }
  }
}

function parseServer(text: string): string {
  if (/^[^/]+\/./.test(text)) return text;
  throw new InvalidArgumentError('Write the upstream and the server, as in the file: web/192.0.2.7:80.');
}

function parseWeight(text: string): number {
  if (!/^[0-9]{1,3}$/.test(text) || Number(text) > 256) {
    throw new InvalidArgumentError('Write a number from 0 to 256.');
  }
  return Number(text);
}

/** `evenkeel token`: who may ask the admin API over TCP. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export type TokenOptions =
  | { readonly word: 'add'; readonly name: string; readonly isFull: boolean }
  | { readonly word: 'remove'; readonly name: string }
  | { readonly word: 'list' };

interface TokenCommand {
  token(options: TokenOptions): Promise<number>;
}

export function addTokenCommands(program: Command, context: CliContext<TokenCommand>): void {
  const token = program
    .command('token')
    .description('say who may ask the admin API over TCP')
    .addHelpText(
      'after',
      '\nHashes of the tokens are in the state directory (/var/lib/evenkeel, or $STATE_DIRECTORY). What is changed here holds at once,\n' +
        'without a reload. Run it as the user that runs evenkeel.\n',
    );
  const run = async (options: TokenOptions): Promise<void> => context.exit(await context.commands.token(options));
  token
    .command('add')
    .description('make a token and print it: this once, for nobody can find it out later')
    .argument('<name>', 'whose it is, for the log')
    .option('--full', 'it may change things, and not only see them')
    .action((name: string, { full = false }: { readonly full?: boolean }) => run({ word: 'add', name, isFull: full }));
  token
    .command('remove')
    .description('from now on this token is none')
    .argument('<name>', 'as it was added')
    .action((name: string) => run({ word: 'remove', name }));
  token
    .command('list')
    .description('print the names of all tokens, and what each may do')
    .action(() => run({ word: 'list' }));
}

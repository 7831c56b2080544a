/** `evenkeel identity`: who this node is to its peers. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

interface IdentityCommand {
  identity(): Promise<number>;
}

export function addIdentityCommand(program: Command, context: CliContext<IdentityCommand>): void {
  program
    .command('identity')
    .description('print the fingerprint by which peers know this node, and make its key if there is none')
    .addHelpText(
      'after',
      '\nThe key is in the state directory (/var/lib/evenkeel, or $STATE_DIRECTORY) and stays on this machine. Write the fingerprint\n' +
        "into `peers` of every node's file. Run it as the user that runs evenkeel.\n",
    )
    .action(async () => context.exit(await context.commands.identity()));
}

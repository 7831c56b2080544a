/** `evenkeel schema`: the JSON Schema of the configuration, for editors. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export function addSchemaCommand(program: Command, context: CliContext): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .addHelpText(
      'after',
      '\nWith yaml-language-server: `evenkeel schema > evenkeel.schema.json`, and as first line of evenkeel.yaml\n' +
        '  # yaml-language-server: $schema=evenkeel.schema.json\n',
    )
    .action(async () => {
      // Every command is started with this file, and what reads configurations takes longer to load than most take to run.
      const { publicSchema } = await import('../config/model/json-schema.ts');
      context.out(`${JSON.stringify(publicSchema(), null, 2)}\n`);
    });
}

/** `evenkeel schema`: the JSON Schema of the configuration, for editors. */
import type { Command } from 'commander';
import { publicSchema } from '../config/json-schema.ts';
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
    .action(() => {
      context.out(`${JSON.stringify(publicSchema(), null, 2)}\n`);
    });
}

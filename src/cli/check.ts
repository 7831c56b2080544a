/** `evenkeel check FILE`: everything that is wrong with a configuration, or one line about what it says. */
import type { Command } from 'commander';
import { compile } from '../config/compile.ts';
import type { Plan } from '../config/plan.ts';
import type { CliContext } from './cli.ts';
import { loadConfigFile, printDiagnostics } from './config-file.ts';
import { EXIT_FAILED, EXIT_OK } from './exit-codes.ts';
import { readKeyFiles } from './key-files.ts';

export function addCheckCommand(program: Command, context: CliContext): void {
  program
    .command('check')
    .description('check a configuration: exit code 0 if it is right, 1 with every error if not')
    .argument('<file>', 'the configuration, usually evenkeel.yaml')
    .option('--node <name>', "check it for this node (default: the file's `node`)")
    .addHelpText(
      'after',
      '\nEvery error is a line on stderr: file:line:column: what is wrong; what to write instead [code]\n',
    )
    .action((file: string, flags: { readonly node?: string }) => {
      context.exit(check(file, flags.node ?? null, context));
    });
}

function check(file: string, node: string | null, context: CliContext): number {
  const loaded = loadConfigFile(file, node, context.err);
  if (loaded === null) return EXIT_FAILED;
  if (loaded.config === null) {
    const errors = loaded.diagnostics.filter(({ severity }) => severity === 'error').length;
    context.err(`${file}: ${count(errors, 'error')}\n`);
    return EXIT_FAILED;
  }
  const { plan, unsupported } = compile(loaded.config, loaded.source, { workers: 1 });
  printDiagnostics([...unsupported, ...readKeyFiles(loaded.config, loaded.source).diagnostics], context.err);
  context.out(`${file}: ok: ${summary(plan, Object.keys(loaded.config.ha ?? {}).length)}\n`);
  return EXIT_OK;
}

function summary(plan: Plan, routers: number): string {
  return [
    count(plan.listeners.length, 'listener'),
    count(sum(plan.listeners.map((listener) => listener.routes.length)), 'route'),
    count(plan.upstreams.length, 'upstream'),
    count(sum(plan.upstreams.map((upstream) => upstream.servers.length)), 'server'),
    ...(routers === 0 ? [] : [count(routers, 'virtual router')]),
  ].join(', ');
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * The command line: `evenkeel <command> ...`. This file joins the commands and turns what they say into an exit code; one
 * file per command does the rest. It must not know how anything is run: what needs more than the configuration is injected
 * by main.ts.
 */
import { Command, CommanderError } from 'commander';
import { addConfigCommands, type ConfigOptions } from './config.ts';
import type { CheckOptions } from './check.ts';
import { addCheckCommand } from './check.ts';
import type { ConvertOptions } from './convert.ts';
import { addCompletionCommand } from './completion.ts';
import { addConvertCommand } from './convert.ts';
import type { DemoOptions } from './demo.ts';
import type { CliContext, Output } from './context.ts';
import { addDemoCommand } from './demo.ts';
import { EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import { addKeepalivedCommand } from './keepalived.ts';
import type { KeepalivedOptions } from './keepalived-arguments.ts';
import { addFleetCommands, type FleetOptions, type FleetWords } from './fleet.ts';
import { addIdentityCommand } from './identity.ts';
import { addExplainCommand, type ExplainOptions } from './explain.ts';
import { addEventsCommand, type EventsOptions } from './events.ts';
import { addTokenCommands, type TokenOptions } from './token.ts';
import type { LabOptions } from './lab.ts';
import { addLabCommand } from './lab.ts';
import type { MoveOptions } from './handover.ts';
import { addMoveCommands } from './handover.ts';
import { addNginxCommand } from './nginx.ts';
import type { NginxOptions } from './nginx-arguments.ts';
import type { OverrideOptions } from './override.ts';
import { addOverrideCommands } from './override.ts';
import { plainError } from './plain-errors.ts';
import type { RunOptions } from './run.ts';
import { addRunCommand } from './run.ts';
import { addSchemaCommand } from './schema.ts';
import type { ReloadOptions } from './reload.ts';
import { addReloadCommand } from './reload.ts';
import type { UpgradeOptions } from './upgrade.ts';
import { addReopenCommand, type ReopenOptions } from './reopen.ts';
import { addUpgradeCommand } from './upgrade.ts';
import { addServerSetupCommand, type ServerSetupOptions } from './server-setup.ts';
import type { StatusOptions } from './status.ts';
import { addStatusCommand } from './status.ts';
import { addTopCommand, type TopOptions } from './top.ts';
import { addWhyCommand, type WhyOptions } from './why.ts';

/** What the commands do. Each resolves to the exit code when it is over. */
export interface Commands {
  run(options: RunOptions): Promise<number>;
  check(options: CheckOptions): Promise<number>;
  convert(options: ConvertOptions): Promise<number>;
  serverSetup(options: ServerSetupOptions): Promise<number>;
  demo(options: DemoOptions): Promise<number>;
  lab(options: LabOptions): Promise<number>;
  status(options: StatusOptions): Promise<number>;
  reload(options: ReloadOptions): Promise<number>;
  upgrade(options: UpgradeOptions): Promise<number>;
  reopen(options: ReopenOptions): Promise<number>;
  config(options: ConfigOptions): Promise<number>;
  fleet(options: FleetOptions & FleetWords): Promise<number>;
  identity(): Promise<number>;
  token(options: TokenOptions): Promise<number>;
  events(options: EventsOptions): Promise<number>;
  explain(options: ExplainOptions): Promise<number>;
  why(options: WhyOptions): Promise<number>;
  top(options: TopOptions): Promise<number>;
  move(options: MoveOptions): Promise<number>;
  override(options: OverrideOptions): Promise<number>;
  nginx(options: NginxOptions): Promise<number>;
  keepalived(options: KeepalivedOptions): Promise<number>;
}

export interface CliDeps extends Output {
  /** Without `v`. */
  readonly version: string;
  readonly commands: Commands;
}

export function createCli(version: string, context: CliContext<Commands>): Command {
  const program = new Command('evenkeel')
    .description('High-availability load balancer: HTTP, TCP, UDP and TLS, and the virtual address in front of them.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp({ minWidthToWrap: 20 })
    .configureOutput({
      writeOut: context.out,
      writeErr: context.err,
      outputError: (text, write) => write(plainError(text)),
    })
    .showHelpAfterError('(`evenkeel --help` lists the commands)')
    .enablePositionalOptions()
    .exitOverride();
  // Subcommands inherit the settings above: they are added after them.
  addRunCommand(program, context);
  addCheckCommand(program, context);
  addConvertCommand(program, context);
  addServerSetupCommand(program, context);
  addDemoCommand(program, context);
  addLabCommand(program, context);
  addSchemaCommand(program, context);
  addStatusCommand(program, context);
  addReloadCommand(program, context);
  addReopenCommand(program, context);
  addConfigCommands(program, context);
  addFleetCommands(program, context);
  addIdentityCommand(program, context);
  addTokenCommands(program, context);
  addEventsCommand(program, context);
  addExplainCommand(program, context);
  addWhyCommand(program, context);
  addTopCommand(program, context);
  addUpgradeCommand(program, context);
  addMoveCommands(program, context);
  addOverrideCommands(program, context);
  addNginxCommand(program, context);
  addKeepalivedCommand(program, context);
  addCompletionCommand(program, context);
  return program;
}

/** `argv` without the interpreter and the script. Never throws for what the user wrote. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  let exitCode = EXIT_OK;
  const context: CliContext<Commands> = {
    ...deps,
    exit: (code) => {
      exitCode = code;
    },
  };
  try {
    await createCli(deps.version, context).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has 0 for what was asked for (--help, --version) and 1 for everything it refuses.
    return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  }
  return exitCode;
}

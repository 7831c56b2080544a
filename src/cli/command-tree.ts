/** The commands as plain data, for what is made of them: the reference, the man page, completion in shells. */
import type { Argument, Command, Option } from 'commander';

export interface CommandPart {
  /** As it is written: `--engine <engine>`, `[files...]`. */
  readonly term: string;
  readonly description: string;
  /** Of the words that it may have; empty: any. */
  readonly choices: readonly string[];
}

export interface OptionPart extends CommandPart {
  /** The names alone: `-h`, `--help`. */
  readonly names: readonly string[];
  readonly takesValue: boolean;
}

export interface CommandNode {
  /** With those above it, without the program: `server drain`. Empty: the program. */
  readonly path: string;
  readonly usage: string;
  readonly description: string;
  readonly args: readonly CommandPart[];
  readonly options: readonly OptionPart[];
  /** What its help says below the options. Empty: nothing. */
  readonly notes: string;
  readonly commands: readonly CommandNode[];
}

/** Without `help` commands and options, which each has. */
export function commandTree(command: Command, above = ''): CommandNode {
  const path = command.parent === null ? '' : `${above} ${command.name()}`.trim();
  const helper = command.createHelp();
  return {
    path,
    usage: helper.commandUsage(command),
    description: command.description(),
    args: command.registeredArguments.map(argumentPart),
    options: command.options.filter(({ hidden }) => !hidden).map(optionPart),
    notes: notesOf(command),
    commands: helper
      .visibleCommands(command)
      .filter((one) => one.name() !== 'help')
      .map((one) => commandTree(one, path)),
  };
}

/** Of it and all below it, from the top. */
export function* eachCommand(node: CommandNode): Generator<CommandNode> {
  yield node;
  for (const one of node.commands) yield* eachCommand(one);
}

function argumentPart(argument: Argument): CommandPart {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  const term = argument.required ? `<${name}>` : `[${name}]`;
  return { term, description: argument.description, choices: argument.argChoices ?? [] };
}

function optionPart(option: Option): OptionPart {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const isSaid = option.defaultValue !== undefined && option.defaultValue !== false;
  const description = isSaid
    ? `${option.description} (default: ${option.defaultValueDescription ?? String(option.defaultValue)})`
    : option.description;
  const takesValue = option.required || option.optional;
  return { term: option.flags, description, choices: option.argChoices ?? [], names, takesValue };
}

/** commander tells them to whoever prints the help, and to nobody else. */
function notesOf(command: Command): string {
  let printed = '';
  const before = command.configureOutput();
  command.configureOutput({ ...before, writeOut: (text) => (printed += text) });
  command.outputHelp();
  command.configureOutput(before);
  return printed.slice(command.helpInformation().length).trim();
}

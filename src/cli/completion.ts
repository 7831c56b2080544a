/** `evenkeel completion bash|zsh`: what a shell needs to complete the commands and their options. */
import { Argument, type Command } from 'commander';
import { type CommandNode, commandTree, eachCommand } from './command-tree.ts';
import type { CliContext } from './context.ts';

const SHELLS = ['bash', 'zsh'] as const;

export function addCompletionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print what a shell needs to complete commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      '\nbash: evenkeel completion bash > /usr/share/bash-completion/completions/evenkeel\n' +
        'zsh:  evenkeel completion zsh > /usr/share/zsh/vendor-completions/_evenkeel\n',
    )
    .action((shell: (typeof SHELLS)[number]) => {
      const tree = commandTree(program);
      context.out(shell === 'bash' ? bashCompletion(tree) : zshCompletion(tree));
    });
}

/** Words that begin with a letter or a dash, and nothing that a shell would read otherwise. */
export function bashCompletion(tree: CommandNode): string {
  return `# Completion of evenkeel for bash.
_evenkeel() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path='' next words
  local index
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${path:+$path }\${COMP_WORDS[index]}"
    case $next in
      ${paths(tree)
        .map((path) => `'${path}'`)
        .join('|')}) path=$next ;;
    esac
  done
  case "$path $previous" in
${choiceCases(tree)}
  esac
  case $path in
${[...eachCommand(tree)].map((node) => `    '${node.path}') words='${wordsOf(node).join(' ')}' ;;`).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _evenkeel evenkeel
`;
}

/** By the one for bash: one list of words, not two. */
export function zshCompletion(tree: CommandNode): string {
  return `#compdef evenkeel
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(tree)}`;
}

function paths(tree: CommandNode): readonly string[] {
  return [...eachCommand(tree)].map(({ path }) => path).filter((path) => path !== '');
}

function wordsOf(node: CommandNode): readonly string[] {
  const below = node.commands.map(({ path }) => path.slice(path.lastIndexOf(' ') + 1));
  const choices = node.args.flatMap((part) => part.choices);
  return [...below, ...choices, ...node.options.flatMap(({ names }) => names), '--help'];
}

/** After an option that takes a value: its choices, or else files. */
function choiceCases(tree: CommandNode): string {
  const cases = [...eachCommand(tree)].flatMap((node) =>
    node.options
      .filter(({ takesValue }) => takesValue)
      .map(({ names, choices }) => {
        const patterns = names.map((name) => `'${node.path} ${name}'`).join('|');
        const reply =
          choices.length === 0 ? '' : `mapfile -t COMPREPLY < <(compgen -W '${choices.join(' ')}' -- "$word")`;
        return `    ${patterns}) ${reply === '' ? 'COMPREPLY=()' : reply}; return ;;`;
      }),
  );
  return cases.join('\n');
}

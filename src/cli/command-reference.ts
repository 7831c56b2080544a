/** What the command line is, as pages: one for the documentation, one for `man`. */
import { type CommandNode, type CommandPart, eachCommand } from './command-tree.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** docs/reference/commands.md. */
export function commandsPage(program: CommandNode): string {
  const lines = ['# Commands', '', program.description, ''];
  lines.push('Made from the command line itself, as `evenkeel --help`, `man evenkeel` and completion are.', '');
  for (const node of eachCommand(program)) {
    if (node !== program) lines.push(`## evenkeel ${node.path}`, '', sentence(node.description), '');
    lines.push('```', node.usage, '```', '');
    const parts: readonly CommandPart[] = [...node.args, ...node.options];
    if (parts.length > 0) {
      lines.push('| | |', '|---|---|');
      for (const { term, description, choices } of parts)
        lines.push(`| \`${term.replaceAll('|', '\\|')}\` | ${cell(description, choices)} |`);
      lines.push('');
    }
    if (node.notes !== '') lines.push('```text', node.notes, '```', '');
  }
  lines.push('## Exit codes', '', '| | |', '|---|---|');
  for (const [code, meaning] of EXIT_CODES) lines.push(`| ${code} | ${meaning} |`);
  return `${lines.join('\n')}\n`;
}

function cell(description: string, choices: readonly string[]): string {
  const words = choices.length === 0 ? '' : `: ${choices.map((word) => `\`${word}\``).join(', ')}`;
  return `${description.replaceAll('|', '\\|')}${words}`;
}

/** evenkeel(8), in the macros of man(7). */
export function manPage(program: CommandNode, version: string): string {
  const lines = [`.TH EVENKEEL 8 "" "evenkeel ${version}" "System Administration"`, '.SH NAME'];
  lines.push(roff(`evenkeel - ${program.description.replace(/\.$/, '')}`), '.SH SYNOPSIS', '.B evenkeel');
  lines.push(roff('command [options]'), '.SH COMMANDS');
  for (const node of eachCommand(program)) {
    if (node === program || node.commands.length > 0) continue;
    lines.push(`.SS ${roff(node.usage)}`, roff(sentence(node.description)));
    for (const { term, description, choices } of [...node.args, ...node.options]) {
      const words = choices.length === 0 ? '' : ` (${choices.join(', ')})`;
      lines.push('.TP', `.B ${roff(term)}`, roff(`${description}${words}`));
    }
    if (node.notes !== '') lines.push('.PP', '.nf', ...node.notes.split('\n').map(roff), '.fi');
  }
  lines.push('.SH "EXIT STATUS"');
  for (const [code, meaning] of EXIT_CODES) lines.push('.TP', `.B ${code}`, roff(meaning));
  lines.push(
    '.SH FILES',
    '.TP',
    '.I /etc/evenkeel/evenkeel.yaml',
    'The configuration, where the shipped units look for it.',
  );
  lines.push('.TP', '.I /run/evenkeel/evenkeel.sock', 'The control socket of the running instance.');
  lines.push('.SH "SEE ALSO"', roff('nginx(8), keepalived(8), keepalived.conf(5), systemctl(1)'));
  return `${lines.join('\n')}\n`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
}

/** A line of text that says nothing to the formatter: man(7), groff_char(7). */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&');
}

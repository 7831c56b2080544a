/** docs/reference/nginx-conf.md, made from the table that the reader works by. */
import type { DirectiveState } from '../directive-state.ts';
import { MODULES } from './directive-table.ts';
import {
  LOG_VARIABLES,
  NAMED_VARIABLES,
  RESPONSE_VARIABLES,
  STREAM_LOG_VARIABLES,
  VARIABLES,
  type VariableRow,
} from './table-variables.ts';

const STATES: readonly DirectiveState[] = ['works', 'differs', 'left out', 'not yet', 'no effect'];

export function nginxPage(): string {
  return `<!-- made by \`npm run docs\`; edit src/config/nginx/table-*.ts instead -->

# Directives of nginx.conf

Every directive that evenkeel knows, and what becomes of it. How to run an nginx.conf, and what differs that is no directive, is in
[nginx.conf](../nginx-conf.md).

| state | what it means | how many |
|---|---|---|
| works | has nginx's meaning | ${count('works')} |
| differs | the note says how; **what is bold in it is not there** | ${count('differs')} |
| left out | it would only add something: \`check\` warns, and the rest runs | ${count('left out')} |
| **not yet** | **without it the file would mean something else: the file is refused**; with \`off\` it is not | ${count('not yet')} |
| no effect | there is nothing here that it could tune: \`check\` lists them once | ${count('no effect')} |

A name that is not here is a typing mistake, or belongs to a module that is not nginx's own: it is an error.

${MODULES.map(({ module, rows }) => section(module, rows)).join('\n')}
## Variables

Each with what it is in YAML. A variable that is not here is made by the file (\`set\`, \`map\` and the like), or the file that reads it is
refused.

| variable | value | |
|---|---|---|
${[...VARIABLES, ...NAMED_VARIABLES].map(variableLine).join('')}
Those of a response are known in \`add_header\`, and in what replaces a part of one of its fields:

| variable | value | |
|---|---|---|
${RESPONSE_VARIABLES.map(variableLine).join('')}
Those of a request that is over are known in \`log_format\`, with all above. Others are left out of the line,
with a warning:

| variable | value | |
|---|---|---|
${LOG_VARIABLES.map(variableLine).join('')}
In \`stream\`, those of a session that is over, with those of above that a connection has:

| variable | value | |
|---|---|---|
${STREAM_LOG_VARIABLES.map(variableLine).join('')}`;
}

function section(module: string, rows: (typeof MODULES)[number]['rows']): string {
  const sorted = rows.toSorted((a, b) => STATES.indexOf(a[3]) - STATES.indexOf(b[3]));
  const lines = sorted.map(([names, contexts, , state, note]) => {
    const list = names
      .split(' ')
      .map((name) => `\`${name}\``)
      .join(', ');
    return `| ${list} | ${contexts.split(' ').map(contextText).join(', ')} | ${state === 'not yet' ? '**not yet**' : state} | ${note.replaceAll('|', '\\|')} |\n`;
  });
  return `## ${module}\n\n| directive | in | state | |\n|---|---|---|---|\n${lines.join('')}`;
}

function contextText(context: string): string {
  return context === 'any' ? 'everywhere' : context.replace('-', ' ');
}

function count(state: DirectiveState): number {
  return MODULES.flatMap(({ rows }) => rows)
    .filter((row) => row[3] === state)
    .reduce((sum, [names]) => sum + names.split(' ').length, 0);
}

function variableLine([names, value, note]: VariableRow): string {
  const list = names
    .split(' ')
    .map((name) => (/^\.+$/.test(name) ? name : `\`$${name}\``))
    .join(', ')
    .replace(', ..., ', ' ... ');
  const text = value === null ? '**not there**' : value === '' ? 'empty' : `\`${value}\``;
  return `| ${list} | ${text} | ${note} |\n`;
}

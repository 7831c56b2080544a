/** docs/reference/keepalived-conf.md, made from the tables that the reader works by. */
import type { DirectiveState } from '../directive-state.ts';
import type { Directive, Table } from './directive.ts';
import { GLOBAL } from './directives-global.ts';
import { ROOT, SSL } from './directives-root.ts';
import { SERVER_TABLES } from './directives-servers.ts';
import { VRRP_TABLES } from './directives-vrrp.ts';

const STATES: Readonly<Record<DirectiveState, string>> = {
  works: 'as in keepalived',
  differs: "it has an effect, which is not quite keepalived's; `check` warns where that matters",
  'no effect': 'it tunes keepalived itself; listed once by `check`, and everything runs',
  'left out': 'it would only add something; `check` warns at each, and everything else runs',
  'not yet': '**it would protect something or change what the file means: the file is refused**',
  refused: '**it will not come: the file is refused**',
};

const MARKS: Readonly<Record<DirectiveState, string>> = {
  works: 'works',
  differs: 'differs',
  'no effect': 'no effect',
  'left out': 'left out',
  'not yet': '**not yet**',
  refused: '**refused**',
};

/** All that there are. */
export const TABLES: readonly Table<never>[] = [ROOT, GLOBAL, ...VRRP_TABLES, SSL, ...SERVER_TABLES];

function countStates(): ReadonlyMap<DirectiveState, number> {
  const counts = new Map<DirectiveState, number>();
  for (const { directives } of TABLES) {
    for (const { state } of Object.values<Directive<never>>(directives))
      counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

export function keepalivedPage(): string {
  const counts = countStates();
  const states = Object.entries(STATES).map(([state, what]) => {
    const word = state as DirectiveState;
    return `| ${MARKS[word]} | ${counts.get(word) ?? 0} | ${what} |\n`;
  });
  const sections = TABLES.map(
    ({ where, directives }) => `## ${titleOf(where)}\n\n| keyword | | |\n|---|---|---|\n${rows(directives)}`,
  );
  return `<!-- made by \`npm run docs\`; edit src/config/keepalived instead -->

# keepalived.conf, keyword by keyword

What each keyword of keepalived.conf is for evenkeel. How to run the file, and what behaves differently, is in
[coming from keepalived](../coming-from-keepalived.md). A keyword that is not here is an error, with its place.

| | keywords | |
|---|---|---|
${states.join('')}
${sections.join('\n')}`;
}

function titleOf(where: string): string {
  const title = where.replace(/^(in|at) /, '').replaceAll('`', '');
  return title.charAt(0).toUpperCase() + title.slice(1);
}

/** Keywords that are the same for the same reason stand together. */
function rows(directives: Readonly<Record<string, Directive<never>>>): string {
  const groups = new Map<string, string[]>();
  for (const [keyword, { state, about }] of Object.entries(directives)) {
    const key = `${MARKS[state]} | ${about.replaceAll('|', '\\|')}`;
    groups.set(key, [...(groups.get(key) ?? []), `\`${keyword}\``]);
  }
  return [...groups].map(([key, keywords]) => `| ${keywords.join(', ')} | ${key} |\n`).join('');
}

/** How docs/ shows the state machines: a diagram (Mermaid) and tables of what their words mean, both made from the machines. */

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** The arrows of a table by state and by what happens. */
export function arrowsOf(table: Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>): readonly Arrow[] {
  return Object.entries(table).flatMap(([from, row]) =>
    Object.entries(row).map(([label, to]) => ({ from, to: to as string, label })),
  );
}

/** One arrow for each pair of states, with all its labels. `beginnings`: the lines of where it begins. */
export function stateDiagram(beginnings: readonly string[], arrows: readonly Arrow[]): readonly string[] {
  const labels = new Map<string, string[]>();
  for (const { from, to, label } of arrows) {
    const pair = `${from} --> ${to}`;
    const known = labels.get(pair);
    if (known === undefined) labels.set(pair, [label]);
    else known.push(label);
  }
  const lines = [...beginnings, ...Array.from(labels, ([pair, each]) => `${pair}: ${each.join(', ')}`)];
  return ['```mermaid', 'stateDiagram-v2', ...lines.map((line) => `  ${line}`), '```'];
}

/** `head`: what they are, `state` or `event`. */
export function meanings(head: string, words: Readonly<Record<string, string>>): readonly string[] {
  const rows = Object.entries(words).map(([word, meaning]) => `| ${word} | ${meaning} |`);
  return [`| ${head} | |`, '|---|---|', ...rows];
}

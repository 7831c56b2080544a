/** A page of the documentation, as tests of what stands on it read it. */
import { readFileSync } from 'node:fs';

export interface Command {
  /** Without `$ `. */
  readonly line: string;
  /** What stands below it. */
  readonly shown: string;
}

/** `name`: of a file in docs/. */
export class Page {
  readonly text: string;

  constructor(name: string) {
    this.text = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
  }

  /** What its blocks of this language have in them. */
  blocks(language: string): readonly string[] {
    return Array.from(this.text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm')), ([, text]) => text);
  }

  /** All commands in their order. `here`: a block, with the addresses that there are here. */
  commands(here = (text: string): string => text): readonly Command[] {
    return this.blocks('console').flatMap((block) =>
      Array.from(here(block).matchAll(/^\$ (.*)\n([^$]*)/gm), ([, line, shown]) => ({ line, shown })),
    );
  }
}

/** evenkeel.yaml alone, from text to a Config that is right, or to everything that is wrong with it. */
import { type Loaded, loadDocuments } from '../load.ts';
import { yamlFrontEnd } from './front-end.ts';

export interface LoadOptions {
  /** As it is to be printed in diagnostics. */
  readonly file: string;
  /** Which node this is, where the caller knows: goes before the document's `node`. */
  readonly node?: string | undefined;
}

const NO_FILES = { read: () => ({ reason: 'a YAML file includes nothing' }), glob: () => [] };

/** Never throws for what is in the text. */
export function loadYaml(text: string, { file, node }: LoadOptions): Loaded {
  const context = { files: NO_FILES, node: node ?? null };
  return loadDocuments([yamlFrontEnd.read({ name: file, text }, context)], context.node);
}

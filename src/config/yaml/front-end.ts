/** YAML as one of the languages of a configuration: the document is the model itself. */
import { diagnose } from '../diagnostic.ts';
import type { Code } from '../errors.ts';
import type { FrontEnd, FrontEndDocument, RootFile } from '../front-end.ts';
import { readYaml } from './read.ts';

/** What may be wrong with a text only because of an error of syntax further down. */
const FOLLOWS_FROM_SYNTAX: ReadonlySet<Code> = new Set<Code>(['missing-key', 'no-value', 'wrong-type', 'empty-list']);

export const yamlFrontEnd: FrontEnd = {
  name: 'yaml',
  recognizes: () => true,
  read: ({ name, text }: RootFile): FrontEndDocument => {
    const { value, source, problems, positionOf, soundUntil } = readYaml(name, text);
    const isBroken = soundUntil !== Infinity;
    const endLine = isBroken ? positionOf(soundUntil).line : Infinity;
    return {
      frontEnd: 'yaml',
      value,
      source,
      diagnostics: problems.map((found) => diagnose(found, { file: name, ...positionOf(found.offset) })),
      isBroken,
      isSound: (finding) =>
        (!isBroken || !FOLLOWS_FROM_SYNTAX.has(finding.code)) &&
        source.locate(finding.path, finding.part).line < endLine,
      explain: (finding) => finding,
    };
  },
};

/** YAML as one of the languages of a configuration: the document is the model itself. */
import { diagnose } from '../findings/diagnostic.ts';
import type { FrontEnd, FrontEndDocument, RootFile } from '../front-end.ts';
import { nothingRead } from '../gaps.ts';
import { readYaml } from './read.ts';

export const yamlFrontEnd: FrontEnd = {
  name: 'yaml',
  recognizes: () => true,
  read: ({ name, text }: RootFile): FrontEndDocument => {
    const { value, source, problems, positionOf } = readYaml(name, text);
    return {
      frontEnd: 'yaml',
      value: value ?? nothingRead(),
      source,
      diagnostics: problems.map((found) => diagnose(found, { file: name, ...positionOf(found.offset) })),
      explain: (finding) => finding,
    };
  },
};

/** What several descriptions of the model say. */
import { NAMED_SOURCES, SOURCES } from '../words/template.ts';

export const sourceList = [
  ...Object.entries(SOURCES).map(([word, what]) => `\`{${word}}\` ${what}`),
  ...Object.entries(NAMED_SOURCES).map(([word, what]) => `\`{${word}:name}\` ${what}`),
].join('; ');

export const httpOnly = 'Only for `protocol: http`.';

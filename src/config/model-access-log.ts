/** Where a line for each request goes, and what is in it. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { END_SOURCES } from './template.ts';
import { absolutePath, flag, key, logTemplate, name, oneOrMany, share } from './scalars.ts';

const endList = Object.entries(END_SOURCES)
  .map(([word, what]) => `\`{${word}}\` ${what}`)
  .join('; ');

export const AccessLog = z.strictObject({
  file: key(
    absolutePath,
    'The file that lines are added to. Opened by the keeper before rights are dropped. One of `file` and `stdout`.',
  ),
  stdout: key(z.literal(true).meta({ examples: [true] }), 'Lines go to the standard output of evenkeel.'),
  format: key(
    logTemplate,
    `\`json\`: an object a line; \`combined\`: as Apache and nginx write it; or text with values of the request, and of its end: ${endList}.`,
    DEFAULTS.accessLog.format,
  ),
  escape: key(
    z.enum(['text', 'json', 'none']),
    'How values stand in a `format` of your own. `text`: what is no visible ASCII as `\\x0A`, and `-` for what is empty; `json`: as in a string of JSON; ' +
      '`none`: as they came, but for ends of lines.',
    DEFAULTS.accessLog.escape,
  ),
  when: key(logTemplate, 'Only requests for which this text, with values in it, is neither empty nor `0`.'),
  sample: key(share, 'Only this part of the requests, at random.', DEFAULTS.accessLog.sample),
  errors: key(
    flag,
    'Whatever `when` and `sample` say, requests with status 500 or more, and those that did not end complete, are in it.',
    DEFAULTS.accessLog.errors,
  ),
});

export const accessLogNames = z.union([z.literal('none'), oneOrMany(name)]);

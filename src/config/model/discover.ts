/** Where the servers of an upstream are read while evenkeel runs. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { duration, filePath, key, listUrl } from './scalars.ts';

export const Discover = z.strictObject({
  file: key(filePath, 'A file with a list of servers, as JSON or YAML. It is read again when it has changed.'),
  url: key(listUrl, 'An address that answers with such a list. It is asked again and again.'),
  every: key(
    duration('1s', '24h'),
    'With `url`: from one answer to the next question.',
    DEFAULTS.upstream.discover.every,
  ),
  timeout: key(
    duration('10ms', '1h'),
    'With `url`: an answer has to be here by then.',
    DEFAULTS.upstream.discover.timeout,
  ),
  hold: key(
    duration('0s', '24h'),
    'A server stays for as long as this after a list that does not have it any more, in case the next one has.',
    DEFAULTS.upstream.discover.hold,
  ),
});

/** How much one connection is used: `keepalive_requests` and `keepalive_time`, towards clients and servers. */
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';

const AGE_MS_MAX = 576 * 3_600_000;
const REQUESTS_MAX = 1_000_000_000;

/** Of what is written, `requests` and `age` of the model. */
export function readWear(scope: Scope, notes: Notes): PlainMap {
  const requests = scope.find('keepalive_requests');
  const age = scope.find('keepalive_time');
  const wear: PlainMap = {};
  if (requests !== null) {
    const [{ text, place }] = requests.args;
    if (/^[0-9]{1,15}$/.test(text)) wear['requests'] = Math.min(Math.max(1, Number(text)), REQUESTS_MAX);
    else notes.error(place, '"keepalive_requests" directive invalid number', 'write for example 1000');
  }
  if (age !== null) {
    const [{ text, place }] = age.args;
    const ms = parseTime(text);
    if (ms !== null) wear['age'] = formatDuration(Math.min(Math.max(1, ms), AGE_MS_MAX));
    else notes.error(place, '"keepalive_time" directive invalid value', 'write for example 1h');
  }
  return wear;
}

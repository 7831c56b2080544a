/** `resolver` and `resolver_timeout`: who is asked for names that requests are for. */
import { parseNameServer } from '../words/addresses.ts';
import { formatDuration } from '../words/units.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { parseTime } from './values.ts';

const HOUR_MS = 3_600_000;

/** As in the model. Null: there is no `resolver`, or it is off. */
export function readResolver(scope: Scope, notes: Notes): PlainMap | null {
  const directive = scope.find('resolver');
  if (directive === null || directive.args[0].text === 'off') return null;
  const servers: string[] = [];
  const resolver: PlainMap = { servers };
  for (const { text, place } of directive.args) {
    const valid = /^valid=(.*)$/.exec(text)?.[1];
    const family = /^(ipv[46])=(on|off)$/.exec(text);
    if (valid !== undefined) {
      const ms = parseTime(valid, true);
      if (ms === null) notes.error(place, `invalid parameter: ${text}`, 'write for example valid=30s');
      else resolver['valid'] = formatDuration(Math.min(Math.max(1000, ms), 24 * HOUR_MS));
    } else if (family !== null) {
      if (family[2] === 'off') resolver[family[1]] = false;
    } else if (text.startsWith('status_zone=')) continue;
    else if (parseNameServer(text).value !== null) servers.push(text);
    else
      notes.leftOut(place, `resolver ${text}`, "it is no address, and another one, or the system's resolver, is asked");
  }
  const timeout = scope.find('resolver_timeout');
  const ms = timeout === null ? 30_000 : parseTime(timeout.args[0].text);
  if (ms === null) notes.error(timeout!.place, '"resolver_timeout" directive invalid value', 'write for example 5s');
  else resolver['timeout'] = formatDuration(Math.min(Math.max(1, ms), HOUR_MS));
  if (servers.length === 0) delete resolver['servers'];
  return resolver;
}

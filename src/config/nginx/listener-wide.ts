/** What holds for all requests of an address here, as its default server says: told where another block says something else. */
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import type { Scope } from './scope.ts';

const WIDE: ReadonlySet<string> = new Set([
  'client_header_timeout',
  'client_body_timeout',
  'send_timeout',
  'keepalive_timeout',
  'keepalive_requests',
  'keepalive_time',
  'ignore_invalid_headers',
  'underscores_in_headers',
]);
const REASON = 'it holds for all requests of an address, as the default server of that says';

/** `servers`: those of an address, each with its locations; `standard`: the default one. */
export function tellListenerWide(servers: readonly Scope[], standard: Scope, notes: Notes): void {
  for (const server of servers) {
    if (server !== standard) tellOthers(server.directives, standard, notes);
    for (const { name, block } of server.directives) {
      if (name === 'location') tellInside(block ?? [], standard, notes);
    }
  }
}

function tellInside(directives: readonly Directive[], standard: Scope, notes: Notes): void {
  tellOthers(directives, standard, notes);
  for (const { name, block } of directives) if (name === 'location') tellInside(block ?? [], standard, notes);
}

function tellOthers(directives: readonly Directive[], standard: Scope, notes: Notes): void {
  for (const { name, args, place } of directives) {
    if (!WIDE.has(name)) continue;
    if (standard.argument(name) !== args[0].text) notes.leftOut(place, name, REASON);
  }
}

/**
 * Whether a client can say which server it is connected to: whose values stand where `proxy_pass` has host and port. Then it reaches whatever
 * this machine reaches, by the address that others trust (server-side request forgery).
 */
import { type Directive, everyDirective } from './parse.ts';
import { splitVariables } from './variables.ts';

/** By name: the texts that variables may get, by `set` and `map`. */
export type Assignments = ReadonlyMap<string, readonly string[]>;

const OF_CLIENTS = /^([1-9]|(http|arg|cookie)_\w+|host|args|query_string|uri|document_uri|request_uri|request)$/;
/** They begin with what ends a host. */
const OF_PATHS = /^(request_uri|uri|document_uri|is_args)$/;

export function collectAssignments(directives: readonly Directive[]): Assignments {
  const into = new Map<string, string[]>();
  const add = (variable: string | undefined, text: string | undefined): void => {
    if (variable === undefined || text === undefined) return;
    const name = variable.replace(/^\$/, '');
    const texts = into.get(name) ?? [];
    into.set(name, texts);
    texts.push(text);
  };
  for (const { name, args, block } of everyDirective(directives)) {
    if (name === 'set') add(args[0]?.text, args[1]?.text);
    if (name === 'map') for (const entry of block ?? []) add(args[1]?.text, entry.args[0]?.text);
  }
  return into;
}

/** The variable in host or port of this text, with its `$`, that says what the client wants; null: there is none. */
export function clientsVariable(text: string, assignments: Assignments): string | null {
  const authority = text.replace(/^\w+:\/\//, '');
  for (const { variable, text: part } of splitVariables(authority) ?? []) {
    if (variable === null && /[/?]/.test(part)) return null;
    if (variable === null) continue;
    if (OF_PATHS.test(variable) && !authority.startsWith(part)) return null;
    if (isOfClients(variable, assignments, new Set())) return `$${variable}`;
  }
  return null;
}

function isOfClients(variable: string, assignments: Assignments, seen: Set<string>): boolean {
  if (OF_CLIENTS.test(variable)) return true;
  if (seen.has(variable)) return false;
  seen.add(variable);
  return (assignments.get(variable) ?? []).some((text) =>
    (splitVariables(text) ?? []).some(
      (part) => part.variable !== null && isOfClients(part.variable, assignments, seen),
    ),
  );
}

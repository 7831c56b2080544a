/** `server_name`: which hosts a server is for, as matches of the model. */
import { isHostname } from '../words/addresses.ts';
import type { Notes } from './notes.ts';
import { translatePcre } from './pcre.ts';
import type { Scope } from './scope.ts';

/** In the order in which nginx looks for them. */
export type NameKind = 'exact' | 'suffix' | 'prefix' | 'regex';

export interface ServerName {
  readonly kind: NameKind;
  /** For the order among those of one kind: the longer one first. */
  readonly length: number;
  /** Of the model's `match`; null: a request without Host. */
  readonly host: string | { readonly regex: string } | null;
  readonly text: string;
}

export function readServerNames(server: Scope, notes: Notes): readonly ServerName[] {
  const names: ServerName[] = [];
  for (const { args } of server.own('server_name')) {
    for (const { text, place } of args) {
      const found = readName(text.toLowerCase(), text, names);
      if (found === null) continue;
      if (found.isError) notes.error(place, `invalid server name or wildcard "${text}"`, found.reason);
      else notes.notYet(place, `\`server_name ${text}\``, found.reason, 'write the names themselves');
    }
  }
  return names;
}

/** Adds what it means to `into`; or what is wrong with it. */
function readName(
  name: string,
  text: string,
  into: ServerName[],
): { readonly isError: boolean; readonly reason: string } | null {
  if (text.startsWith('~')) {
    const { regex, reason } = translatePcre(text.slice(1), true);
    if (regex === null) return { isError: false, reason };
    into.push({ kind: 'regex', length: 0, host: { regex }, text });
    return null;
  }
  if (name === '') {
    into.push({ kind: 'exact', length: 0, host: null, text: '' });
    return null;
  }
  if (name === '$hostname')
    return { isError: false, reason: 'the name of this machine is not known when the file is read' };
  if (name.startsWith('.') && isHostname(name.slice(1))) {
    into.push({ kind: 'exact', length: name.length, host: name.slice(1), text: name.slice(1) });
    into.push({ kind: 'suffix', length: name.length, host: `*${name}`, text: `*${name}` });
    return null;
  }
  if (name.startsWith('*.')) {
    if (!isHostname(name.slice(2))) return { isError: true, reason: 'write for example *.example.com' };
    into.push({ kind: 'suffix', length: name.length, host: name, text: name });
    return null;
  }
  if (name.endsWith('.*')) {
    const start = name.slice(0, -1);
    if (start.includes('*')) return { isError: true, reason: 'write for example www.example.*' };
    into.push({ kind: 'prefix', length: name.length, host: { regex: `^${escape(start, true)}` }, text: name });
    return null;
  }
  if (name.includes('*')) return { isError: true, reason: 'a `*` stands for whole labels at the beginning or the end' };
  const host = isHostname(name) || /^[0-9.]+$/.test(name) ? name : { regex: `^${escape(name, true)}$` };
  into.push({ kind: 'exact', length: name.length, host, text: name });
  return null;
}

function escape(text: string, isCaseless: boolean): string {
  return (
    translatePcre(
      text.replace(/[^\w]/g, (char) => (char.charCodeAt(0) > 0x7f ? char : `\\${char}`)),
      isCaseless,
    ).regex ?? ''
  );
}

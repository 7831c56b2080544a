/** The text that says where a request goes: `name`, `name:port`, an address, with a path and a query behind it or without. Pure. */
import { parseIPv4, parseIPv6 } from '../../base/address.ts';

/** RFC 1035 section 2.3.4. */
const NAME_BYTES_MAX = 253;
const PARTS = /^(?:(https?):\/\/)?(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::([0-9]{1,5}))?([/?].*)?$/s;

export interface ServerText {
  /** Lower-case name, or an address without brackets. */
  readonly host: string;
  /** Of the address. Null: it is a name. */
  readonly family: 4 | 6 | null;
  readonly port: number;
  /** Host and port as said, without the port where it is the standard one: what a Host field has. */
  readonly authority: string;
  /** The text names no port. */
  readonly hasPort: boolean;
  /** Path and query; empty: those of the request stay. */
  readonly target: string;
}

/** Null: it says nothing of the kind. `scheme`: how servers are spoken to; a text that begins with another one says nothing. */
export function readServerText(text: string, scheme: 'http' | 'https'): ServerText | null {
  const found = PARTS.exec(text);
  if (found === null) return null;
  const [, said, written, portText, target = ''] = found as RegExpExecArray & [string, string, string];
  if (said !== undefined && said !== scheme) return null;
  const standard = scheme === 'https' ? 443 : 80;
  const port = portText === undefined ? standard : Number(portText);
  if (port < 1 || port > 65_535) return null;
  const host = written.replace(/^\[|\]$/g, '').toLowerCase();
  const family = parseIPv4(host) !== null ? 4 : parseIPv6(host) !== null ? 6 : null;
  if ((family === 6) !== written.startsWith('[')) return null;
  if (family === null && (host.length > NAME_BYTES_MAX || host.startsWith('.') || host.includes('..'))) return null;
  return {
    host,
    family,
    port,
    authority: port === standard ? written : `${written}:${port}`,
    hasPort: portText !== undefined,
    target: target.startsWith('?') ? `/${target}` : target,
  };
}

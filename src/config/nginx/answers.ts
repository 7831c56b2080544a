/** Parts of answers that evenkeel gives itself. */
import type { PlainMap } from './document.ts';
import type { Scope } from './scope.ts';

/** What nginx puts in front of a Location that begins with `/`. */
export function absolutePrefix(server: Scope, port: number): string {
  if (server.argument('absolute_redirect')?.toLowerCase() === 'off') return '';
  const hasPort = port !== 80 && port !== 0 && server.argument('port_in_redirect')?.toLowerCase() !== 'off';
  return `http://{host}${hasPort ? `:${port}` : ''}`;
}

export function plainAnswer(status: number): PlainMap {
  return { respond: { status, body: pageOf(status) } };
}

const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Authorization Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  410: 'Gone',
  413: 'Request Entity Too Large',
  418: 'Unused',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

/** The body of an answer for which no text is written: evenkeel's own, and so no page of nginx. */
export function pageOf(status: number): string {
  if (status < 300 || status === 304) return '';
  return `${status}${PHRASES[status] === undefined ? '' : ` ${PHRASES[status]}`}\n`;
}

/** Parts of answers that evenkeel gives itself. */
import type { PlainMap } from './document.ts';
import type { Scope } from './scope.ts';

/** Where clients of a server come to. */
export interface Front {
  /** 0: a Unix socket. */
  readonly port: number;
  readonly isTls: boolean;
  /** Names of the access logs that requests are in, unless their route says otherwise. */
  readonly logs: readonly string[];
  /** How responses are compressed, unless their route says otherwise; null: they are not. */
  readonly compress: PlainMap | null;
}

/** What nginx puts in front of a Location that begins with `/`, in this block. */
export function absolutePrefix(scope: Scope, { port, isTls }: Front): string {
  if (scope.argument('absolute_redirect')?.toLowerCase() === 'off') return '';
  const isUsual = port === 0 || port === (isTls ? 443 : 80);
  const hasPort = !isUsual && scope.argument('port_in_redirect')?.toLowerCase() !== 'off';
  return `${isTls ? 'https' : 'http'}://{host}${hasPort ? `:${port}` : ''}`;
}

export const PAGE_TYPE = 'text/html';

export function plainAnswer(status: number): PlainMap {
  return { respond: { status, body: pageOf(status), 'content-type': PAGE_TYPE } };
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

/** The body of an answer for which no text is written: a page as nginx has one, and no page of nginx. */
export function pageOf(status: number): string {
  if (status < 300 || status === 304) return '';
  const text = `${status}${PHRASES[status] === undefined ? '' : ` ${PHRASES[status]}`}`;
  return `<html><head><title>${text}</title></head><body><h1>${text}</h1></body></html>\n`;
}

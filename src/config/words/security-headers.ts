/** What browsers are told so that they guard a page: presets, for pages and for what programs read (OWASP's cheat sheets). */
import type { SecurityHeaders } from '../model/cors.ts';

type Lines = readonly (readonly [name: string, value: string])[];

const COMMON: Lines = [['X-Content-Type-Options', 'nosniff']];
const PRESETS: Readonly<Record<SecurityHeaders, Lines>> = {
  web: [
    ...COMMON,
    ['X-Frame-Options', 'SAMEORIGIN'],
    ['Referrer-Policy', 'strict-origin-when-cross-origin'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
  ],
  api: [
    ...COMMON,
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'no-referrer'],
    ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ],
};
/** RFC 6797 section 7.2: not over a connection that could be read. */
const OVER_TLS: Lines = [['Strict-Transport-Security', 'max-age=31536000']];

export function securityLines(preset: SecurityHeaders, isTls: boolean): Lines {
  return isTls ? [...PRESETS[preset], ...OVER_TLS] : PRESETS[preset];
}

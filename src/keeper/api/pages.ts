/**
 * The dashboard's files, as they are on disk (src/dashboard). They have nothing of this node: what they show the page asks the API for, with
 * the token of whoever looks. Only what is in this list is served, and a page of it runs nothing and loads nothing that is not.
 */
import { readFile } from 'node:fs/promises';
import type { Hono } from 'hono';
import type { Admit } from './app.ts';

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/dashboard.css': ['dashboard.css', 'text/css; charset=utf-8'],
  '/dashboard.js': ['dashboard.js', 'text/javascript; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** `folder`: where they are. */
export function addPages<E extends object>(app: Hono<{ Bindings: E }>, folder: URL, admit: Admit<E>): void {
  for (const [path, [file, type]] of Object.entries(FILES)) {
    app.get(path, async (c) => {
      const admission = admit('open', c.req.raw, c.env);
      if ('why' in admission) return c.text(`${admission.why}\n`, admission.status, HEADERS);
      return c.body(await readFile(new URL(file, folder)), 200, { ...HEADERS, 'content-type': type });
    });
  }
}

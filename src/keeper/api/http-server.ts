/** The HTTP server of the admin API: bounded in connections, in what a request may be, and in how long anybody may take. */
import http from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';

/** What the app is given beside a request. */
export type Connection = HttpBindings;

const CONNECTIONS_MAX = 32;
/** A request takes milliseconds to send, and its answer to take. */
const REQUEST_MS_MAX = 2_000;
const LOOK_MS = 500;
/** A reload may take a minute, and who follows events is sent something every quarter of one. */
const SILENT_MS_MAX = 90_000;

export function createHttpServer(app: Hono<{ Bindings: Connection }>): http.Server {
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = http.createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: LOOK_MS },
    (request, response) => {
      // One request each: whoever has been answered makes room.
      response.setHeader('connection', 'close');
      response.socket?.setTimeout(SILENT_MS_MAX, () => response.destroy());
      response.once('prefinish', () => response.socket?.setTimeout(REQUEST_MS_MAX));
      void answer(request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  // Nothing of it keeps the program alive.
  server.unref();
  return server;
}

/** At once, with whoever is there. */
export function closeHttpServer(server: http.Server): void {
  server.close();
  server.closeAllConnections();
}

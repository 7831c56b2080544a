/** The HTTP server of the admin API: bounded in what a request may be, and in how long anybody may take. */
import http from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { type AdminCredentials, contextOf } from './credentials.ts';

/** What the app is given beside a request. */
export type Connection = HttpBindings;

/** A request takes milliseconds to send, and its answer to take. */
const REQUEST_MS_MAX = 2_000;
const LOOK_MS = 500;
/** A reload may take a minute, and who follows events is sent something every quarter of one. */
const SILENT_MS_MAX = 90_000;

const BOUNDS = {
  requestTimeout: REQUEST_MS_MAX,
  headersTimeout: REQUEST_MS_MAX,
  connectionsCheckingInterval: LOOK_MS,
};

/** How many there may be is for others to say. */
export function createHttpServer(app: Hono<{ Bindings: Connection }>): http.Server {
  const server = http.createServer(BOUNDS, listenerOf(app));
  // Nothing of it keeps the program alive.
  server.unref();
  return server;
}

export function createHttpsServer(app: Hono<{ Bindings: Connection }>, credentials: AdminCredentials): SecureServer {
  // Loaded by who has TLS. It is in the interpreter, and not on disk, where it might be another one by now.
  const https = process.getBuiltinModule('node:https');
  const handshake = { handshakeTimeout: REQUEST_MS_MAX, requestCert: credentials.ca !== null };
  const server = https.createServer({ ...BOUNDS, ...handshake, ...contextOf(credentials) }, listenerOf(app));
  server.unref();
  return server;
}

function listenerOf(app: Hono<{ Bindings: Connection }>): http.RequestListener {
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    // One request each: whoever has been answered makes room.
    response.setHeader('connection', 'close');
    response.socket?.setTimeout(SILENT_MS_MAX, () => response.destroy());
    response.once('prefinish', () => response.socket?.setTimeout(REQUEST_MS_MAX));
    void answer(request, response);
  };
}

/** At once, with whoever is there. */
export function closeHttpServer(server: http.Server | SecureServer): void {
  server.close();
  server.closeAllConnections();
}

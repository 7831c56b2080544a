/** A web server of a lab: answers everything with its name. */
import { once } from 'node:events';
import http from 'node:http';

const PORT = 80;

export async function runLabWebServer(name: string): Promise<number> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (_, response) => {
    response.setHeader('Content-Type', 'text/plain');
    response.end(`${name}\n`);
  });
  server.listen(PORT);
  await once(server, 'listening');
  process.send?.('ready');
  await once(process, 'disconnect');
  return 0;
}

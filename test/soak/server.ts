/** A server behind a soak, in the network namespace of one: HTTP, WebSocket and TCP. */
import { startServer } from '../campaign/traffic.ts';

const [host, http, tcp] = process.argv.slice(2);
await startServer({ after: () => undefined }, host, [Number(http), Number(tcp)]);
console.log('listens');

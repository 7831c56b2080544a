/** ClientHellos of a real client. */
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

/** What node:tls sends first, with these options. */
export async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const wire = new Duplex({
    read: () => undefined,
    write: (data: Buffer, _, done) => {
      wire.emit('sent', data);
      done();
    },
  });
  const sent = once(wire, 'sent') as Promise<[Buffer]>;
  const client = tls.connect({ socket: wire, ...options });
  client.on('error', () => undefined);
  const [hello] = await sent;
  client.destroy();
  return hello;
}

/**
 * The secrets of a plan on their way to a proxy, as the content of a sealed file: the keys for tickets, then each credential, then each set of authorities. Bytes and no
 * text, so that who has read them can overwrite them. Numbers are 4 bytes, big-endian; each byte string has its length in front.
 */
import type { Authorities, Credential, Secrets, TicketKeys } from '../../port/tls.ts';

const NUMBER_BYTES = 4;
const NOTHING = new Uint8Array(0);

export function emitSecrets({ authorities, credentials, ticketKeys }: Secrets): Uint8Array {
  const parts: Uint8Array[] = [number(ticketKeys.length)];
  for (const { id, keys } of ticketKeys) {
    parts.push(lengthFirst(Buffer.from(id)), number(keys.length), ...keys.map(lengthFirst));
  }
  parts.push(number(credentials.length));
  for (const { id, chain, key, staple } of credentials) {
    parts.push(
      lengthFirst(Buffer.from(id, 'latin1')),
      number(chain.length),
      ...chain.map(lengthFirst),
      lengthFirst(key),
      lengthFirst(Buffer.from(staple === null ? '' : `${staple.untilMs}`, 'latin1')),
      lengthFirst(staple === null ? NOTHING : staple.response),
    );
  }
  parts.push(number(authorities.length));
  for (const { id, certificates, announced, revocations } of authorities) {
    parts.push(
      lengthFirst(Buffer.from(id, 'latin1')),
      number(certificates.length),
      ...certificates.map(lengthFirst),
      number(announced),
      number(revocations.length),
      ...revocations.map(lengthFirst),
    );
  }
  return Buffer.concat(parts);
}

/** Everything but the identifiers is in `bytes` itself. */
export function parseSecrets(bytes: Uint8Array): Secrets {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const nextNumber = (): number => {
    const value = view.getUint32(at);
    at += NUMBER_BYTES;
    return value;
  };
  const next = (): Uint8Array => {
    const length = nextNumber();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const ticketKeys: TicketKeys[] = [];
  for (let i = nextNumber(); i > 0; i--) {
    const id = Buffer.from(next()).toString();
    ticketKeys.push({ id, keys: Array.from({ length: nextNumber() }, next) });
  }
  const count = nextNumber();
  const credentials: Credential[] = [];
  for (let i = 0; i < count; i++) {
    const id = Buffer.from(next()).toString('latin1');
    const chain = Array.from({ length: nextNumber() }, next);
    const key = next();
    const until = Buffer.from(next()).toString('latin1');
    const response = next();
    credentials.push({ id, chain, key, staple: until === '' ? null : { response, untilMs: Number(until) } });
  }
  const authorities: Authorities[] = [];
  for (let i = nextNumber(); i > 0; i--) {
    const id = Buffer.from(next()).toString('latin1');
    const certificates = Array.from({ length: nextNumber() }, next);
    const announced = nextNumber();
    authorities.push({ id, certificates, announced, revocations: Array.from({ length: nextNumber() }, next) });
  }
  return { credentials, authorities, ticketKeys };
}

function number(value: number): Uint8Array {
  const bytes = Buffer.alloc(NUMBER_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

function lengthFirst(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([number(bytes.length), bytes]);
}

/** How fast bytes go on. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { headerName, key, required, sizeOrValue } from './scalars.ts';

/** Of a route. */
export const Bandwidth = z.strictObject({
  rate: required(
    sizeOrValue,
    'Bytes of a response in a second, or a text with [values](../values.md) that says how many (`65536`, `64k`); 0, or no number: as many as the client takes.',
    '1MiB',
  ),
  after: key(sizeOrValue, 'So many bytes of each response go without a limit before that.', DEFAULTS.bandwidth.after),
  field: key(headerName, 'A response with this field says its rate itself, in bytes.'),
});

/** Of a listener of TCP. */
export const TcpBandwidth = z.strictObject({
  upload: key(
    sizeOrValue,
    'Bytes in a second from each client, or a text with values of the connection that says how many.',
  ),
  download: key(sizeOrValue, 'The same to each client.'),
});

export type BandwidthConfig = z.infer<typeof Bandwidth>;
export type TcpBandwidthConfig = z.infer<typeof TcpBandwidth>;

/** Which etcd cluster, and how it is reached. */
import * as z from 'zod';
import { etcdUrl, filePath, key, required } from './scalars.ts';

export const etcdKeys = {
  etcd: required(
    z.array(etcdUrl).min(1).max(9).meta({ title: 'list of URLs' }),
    'The members of an etcd cluster, each with a port.',
    ['https://192.0.2.21:2379', 'https://192.0.2.22:2379', 'https://192.0.2.23:2379'],
  ),
  ca: key(
    filePath,
    'The authorities that have signed the certificates of the members. Without it those that Node knows.',
  ),
  certificate: key(filePath, "This node's certificate, which members ask for. With `private-key`."),
  'private-key': key(filePath, 'Its key.'),
};

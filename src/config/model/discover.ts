/** Where the servers of an upstream are read while evenkeel runs. */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import { etcdKeys } from './etcd.ts';
import {
  anyText,
  duration,
  filePath,
  httpsOrigin,
  integer,
  key,
  kubernetesName,
  listUrl,
  required,
} from './scalars.ts';

const EtcdPrefix = z.strictObject({
  members: etcdKeys.etcd,
  prefix: required(
    anyText('beginning of keys', '/services/web/'),
    'Each key that begins so has one server as its value: an address, or a map as in a list.',
    '/services/web/',
  ),
  ca: etcdKeys.ca,
  certificate: etcdKeys.certificate,
  'private-key': etcdKeys['private-key'],
});

const KubernetesService = z.strictObject({
  service: required(kubernetesName, 'The name of a service.', 'web'),
  namespace: key(kubernetesName, 'Its namespace. Without it the one of the pod that this runs in.'),
  port: key(
    z.union([integer(1, 65535), kubernetesName]),
    'Its port: the name that the service gives it, or its number at the endpoints. Without it the only one.',
  ),
  api: key(httpsOrigin, 'The API server. Without it the one of the cluster that this runs in.'),
  token: key(filePath, 'A file with a bearer token, read anew for each question. Without it the one of the pod.'),
  ca: key(filePath, 'The authorities that have signed its certificate. Without it those of the pod.'),
});

export const Discover = z.strictObject({
  file: key(filePath, 'A file with a list of servers, as JSON or YAML. It is read again when it has changed.'),
  url: key(listUrl, 'An address that answers with such a list. It is asked again and again.'),
  etcd: key(EtcdPrefix, 'Keys in an etcd cluster (3.4 or later), which is watched.'),
  kubernetes: key(KubernetesService, 'The endpoints of a service in Kubernetes: its EndpointSlices are watched.'),
  every: key(
    duration('1s', '24h'),
    'With `url`: from one answer to the next question.',
    DEFAULTS.upstream.discover.every,
  ),
  timeout: key(
    duration('10ms', '1h'),
    'With `url`: an answer has to be here by then.',
    DEFAULTS.upstream.discover.timeout,
  ),
  hold: key(
    duration('0s', '24h'),
    'A server stays for as long as this after a list that does not have it any more, in case the next one has.',
    DEFAULTS.upstream.discover.hold,
  ),
});

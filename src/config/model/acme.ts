/** The `acme` part of a listener's certificates: one that a certificate authority is asked for (RFC 8555). */
import * as z from 'zod';
import { DEFAULTS } from './defaults.ts';
import {
  anyText,
  certificateName,
  command,
  filePath,
  httpsUrl,
  key,
  oneOrMany,
  programUser,
  required,
} from './scalars.ts';

const Binding = z.strictObject({
  'key-id': required(anyText('key identifier', 'kid-1'), 'What the authority has given.', 'kid-1'),
  'key-file': required(
    filePath,
    'The key that belongs to it, as the authority shows it (base64url). Root alone has to be able to read it.',
    '/etc/evenkeel/acme-eab',
  ),
});

export const Acme = z.strictObject({
  names: required(oneOrMany(certificateName), 'The names that it is for. The first one is what it is called by.', [
    'shop.example',
    'www.shop.example',
  ]),
  terms: required(
    z.literal('agreed'),
    "`agreed`: you have read the authority's terms of service, and agree.",
    'agreed',
  ),
  email: key(anyText('address', 'ops@shop.example'), 'Where the authority writes to.'),
  directory: key(
    httpsUrl,
    "The authority's ACME directory. Without it Let's Encrypt's; its directory for tests is https://acme-staging-v02.api.letsencrypt.org/directory.",
    DEFAULTS.acme.directory,
  ),
  ca: key(filePath, "Who has issued the directory's own certificate, PEM. Without it, who Node trusts."),
  challenge: key(
    z.enum(['http-01', 'tls-alpn-01', 'dns-01']),
    'How the authority sees that the names are ours. `http-01`: by a request to port 80; `tls-alpn-01`: by a handshake on port 443; `dns-01`: ' +
      'by a record, for which `program` is run.',
    DEFAULTS.acme.challenge,
  ),
  program: key(
    command,
    'For `dns-01`, by its whole path. Behind its arguments it gets `present` or `cleanup`, the name of the record and its value.',
  ),
  user: programUser,
  eab: key(Binding, 'External account binding: of an authority that knows its customers.'),
});

export type AcmeConfig = z.infer<typeof Acme>;

/** Certificates, in the admin API. Keys are nowhere in it. */
import * as z from 'zod';
import { count, flag, named, number, text, time, type View } from './shapes.ts';

export const certificate = named('Certificate', 'One that is in use.', {
  listener: text('Null: it is shown to the servers of `upstream`, or by the admin API.').nullable(),
  upstream: text('Whose servers it is shown to.').exactOptional(),
  isOfAdmin: flag('The admin API shows it.').exactOptional(),
  file: text('Where it is.'),
  kind: text('Of its key: `ECDSA P-256`.'),
  names: z.array(z.string()).describe('That it is used for.'),
  notBefore: time('It is valid from then on.'),
  notAfter: time('It expires then.'),
  daysLeft: number('Whole ones; negative: it has expired.'),
  isStandIn: flag('Self-signed, in the place of one that is still to be obtained: nobody believes it.').exactOptional(),
  clients: text('What clients have to show that ask for its names, as `client-certificate.mode` has it. Null: nothing.')
    .nullable()
    .exactOptional(),
  ocsp: z
    .object({
      file: text('Where it is.'),
      isStapled: flag('It is shown with the certificate.'),
      until: time('Null: it cannot be used, or does not say.').nullable(),
    })
    .nullable()
    .exactOptional()
    .describe('The response that is to be stapled to it. Null: there is none.'),
});
export type CertificateView = View<typeof certificate>;

const fault = named('CertificateFault', 'One that cannot be used as it is on disk.', {
  listener: text('Null: it is of `upstream`, for its servers.').nullable(),
  upstream: text('Null: it is of `listener`.').nullable(),
  file: text('A certificate, or authorities.'),
  names: z.array(z.string()).describe('As far as they are known.'),
  reason: text('Why.'),
  isFormerUsed: flag('What was read before is in force. False: it is not used.'),
});
export type CertificateFaultView = View<typeof fault>;

const acme = named('AcmeCertificate', 'One that is asked from an authority.', {
  names: z.array(z.string()),
  directory: text('Of the authority: a URL.'),
  obtainer: text('The peer that asks for it in place of this node. Null: this node does.').nullable(),
  file: text('Where it is put.'),
  state: z
    .enum(['held', 'due', 'ordering', 'waiting'])
    .describe(
      '`held`: it is there; `due`: it is to be ordered; `ordering`: it is; `waiting`: the order failed, and is repeated at `next`.',
    ),
  since: time('That has been so since.'),
  next: time('The next order. Null: it is under way.').nullable(),
  failures: count('Orders that have failed, one after the other.'),
  failure: z.object({ text: z.string(), at: z.string() }).nullable().describe('Of the last order, if it failed.'),
});
export type AcmeView = View<typeof acme>;

export const tls = named('Tls', 'TLS of this node.', {
  openssl: text('Its version.'),
  certificates: z.array(certificate),
  faults: z.array(fault).exactOptional(),
  acme: z.array(acme),
});
export type TlsStatus = View<typeof tls>;

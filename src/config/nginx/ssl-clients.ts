/** `ssl_verify_client` and what belongs to it: the certificates of clients. */
import { lookUp } from '../../base/look-up.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';

const MODES: Readonly<Record<string, string>> = {
  on: 'require',
  optional: 'optional',
  optional_no_ca: 'optional-no-ca',
};
const DEPTH_MAX = 100;

/** `carrier`: whose certificates the server has, and with them its authorities. Null: they are not asked for, or something is wrong, which has been said. */
export function readClients(scope: Scope, carrier: Scope, document: DocumentBuilder, notes: Notes): PlainMap | null {
  const directive = scope.find('ssl_verify_client');
  const word = directive?.args[0].text ?? 'off';
  if (directive === null || word === 'off') return null;
  const mode = lookUp(MODES, word);
  if (mode === undefined) {
    notes.error(directive.place, `invalid value "${word}"`, 'write on, optional or off');
    return null;
  }
  const file = (name: string): string | null => {
    const text = carrier.argument(name);
    return text === null || text === '' ? null : document.wholePath(text);
  };
  const ca = file('ssl_client_certificate');
  const unannounced = file('ssl_trusted_certificate');
  if (ca === null && unannounced === null && word !== 'optional_no_ca') {
    notes.error(directive.place, 'no ssl_client_certificate for ssl_verify_client', 'write `ssl_client_certificate`');
    return null;
  }
  const crl = file('ssl_crl');
  const depth = Number(carrier.argument('ssl_verify_depth') ?? DEFAULTS.tls.client.depth);
  if (!Number.isInteger(depth) || depth < 0) {
    notes.error(carrier.find('ssl_verify_depth')!.place, 'invalid number', 'write for example 2');
    return null;
  }
  return {
    ...(ca === null ? {} : { ca }),
    ...(unannounced === null ? {} : { 'unannounced-ca': unannounced }),
    mode,
    ...(crl === null ? {} : { crl }),
    depth: Math.min(depth, DEPTH_MAX),
  };
}

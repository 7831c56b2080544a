/** `proxy_ssl_*` and `grpc_ssl_*`: how the servers of a `_pass` are spoken TLS with. nginx verifies nobody and asks for no name unless it is told to. */
import type { DocumentBuilder, PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Place } from '../findings/diagnostic.ts';
import type { Directive } from './parse.ts';
import type { PassModule } from './pass.ts';
import type { Scope } from './scope.ts';
import { readVersions } from './ssl.ts';
import { readCommands } from './ssl-commands.ts';
import { hasVariables } from './variables.ts';

export interface ServersTlsSettings {
  /** `tls` of the upstream. */
  readonly map: PlainMap;
  /** By key of the map. */
  readonly places: ReadonlyMap<string, Place>;
}

/** What nginx has without `_ssl_ciphers`. */
const CIPHERS = 'DEFAULT';
const DEPTH = 1;

/** `host`: of `proxy_pass`, with a port if it has one. Null: each request says it, and the server's own name counts. */
export function readServersTls(
  scope: Scope,
  module: PassModule,
  host: string | null,
  document: DocumentBuilder,
  notes: Notes,
): ServersTlsSettings {
  const map: PlainMap = {};
  const places = new Map<string, Place>();
  const set = (key: string, value: PlainMap[string], { place }: Directive): void => {
    map[key] = value;
    places.set(key, place);
  };
  const file = (key: string, name: string): void => {
    const directive = scope.find(name);
    const text = directive?.args[0].text ?? '';
    if (directive === null || text === '') return;
    if (hasVariables(text) || /^(data|engine|store):/.test(text)) {
      notes.notYet(directive.place, `\`${name} ${text.replace(/:.*/s, ':...')}\``, 'it is read from a file');
    } else set(key, document.wholePath(text), directive);
  };

  const verify = scope.find(`${module}_ssl_verify`);
  const isVerifying = isOn(verify);
  const isNaming = isOn(scope.find(`${module}_ssl_server_name`));
  if (isVerifying) {
    file('ca', `${module}_ssl_trusted_certificate`);
    file('crl', `${module}_ssl_crl`);
    if (map['ca'] === undefined) {
      const reason = `no "${module}_ssl_trusted_certificate" is defined for "${module}_ssl_verify"`;
      notes.missing(scope.directives, verify!.place, reason, `write \`${module}_ssl_trusted_certificate\``);
    }
    map['verify-depth'] = Number(scope.argument(`${module}_ssl_verify_depth`) ?? DEPTH);
  } else if (verify === null) map['verify'] = false;
  else set('verify', false, verify);
  const name = nameOf(scope, module, host, notes);
  if ((isVerifying || isNaming) && name !== null) map['server-name'] = name;
  if (!isNaming) map['sni'] = false;
  file('certificate', `${module}_ssl_certificate`);
  file('key', `${module}_ssl_certificate_key`);
  file('passphrase-file', `${module}_ssl_password_file`);
  const alpn = scope.find('proxy_ssl_alpn');
  const varied = alpn?.args.find(({ text }) => hasVariables(text));
  if (varied !== undefined) {
    const reason = 'what is offered to a server does not depend on the client';
    notes.notYet(varied.place, `\`proxy_ssl_alpn ${varied.text}\``, reason, 'write the names themselves');
  } else if (alpn !== null) {
    const names = alpn.args.map(({ text }) => text);
    set('alpn', names.length === 1 ? names[0] : names, alpn);
  }
  map['profile'] = profileOf(scope, module, notes);
  const reuse = scope.argument(`${module}_ssl_session_reuse`);
  if (reuse?.toLowerCase() === 'off') map['session-reuse'] = false;
  return { map, places };
}

function isOn(directive: Directive | null): boolean {
  return directive?.args[0].text.toLowerCase() === 'on';
}

/** nginx takes the host of `proxy_pass`, also where that is the name of an `upstream`, and leaves out the port. */
function nameOf(scope: Scope, module: PassModule, host: string | null, notes: Notes): string | null {
  const directive = scope.find(`${module}_ssl_name`);
  const isOfServer = directive === null || /^\$\{?proxy_host\}?$/.test(directive.args[0].text);
  const text = isOfServer ? host : directive.args[0].text;
  if (text === null) return null;
  if (directive !== null && hasVariables(text)) {
    const reason = 'the name of a server does not depend on the request';
    notes.notYet(directive.place, `\`${module}_ssl_name ${text}\``, reason, 'write the name itself');
  }
  if (text.startsWith('unix:')) return 'localhost';
  return /^\[(.*)\](?::[0-9]+)?$/.exec(text)?.[1] ?? text.replace(/:[0-9]*$/, '');
}

function profileOf(scope: Scope, module: PassModule, notes: Notes): PlainMap {
  const versions = readVersions(scope.find(`${module}_ssl_protocols`), notes);
  const { suites, groups, ...said } = readCommands(scope.all(`${module}_ssl_conf_command`), notes);
  const ciphers = said.ciphers ?? scope.argument(`${module}_ssl_ciphers`) ?? CIPHERS;
  const has = (version: string): boolean => versions.includes(version);
  return {
    versions: versions.length === 1 ? versions[0] : versions,
    ...(has('TLSv1.2') ? { ciphers } : {}),
    ...(has('TLSv1.3') && suites !== null ? { ciphersuites: suites } : {}),
    ...(groups === null ? {} : { groups }),
  };
}

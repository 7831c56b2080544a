/** The `acme` parts of all listeners: whether their challenges can be answered, and whether two ask for the same in two ways. */
import { compileAcme } from '../plan/acme.ts';
import { checkCommand } from './ha-parts.ts';
import type { Path } from '../findings/diagnostic.ts';
import type { ListenerConfig, Loose } from '../model/config.ts';
import type { AcmeConfig } from '../model/acme.ts';
import { DEFAULTS } from '../model/defaults.ts';
import { itemsOf, listOf } from '../model/parts.ts';
import type { Report } from './report.ts';

type Listeners = readonly (readonly [name: string, listener: Loose<ListenerConfig>])[];

export function checkAcme(listeners: Listeners, report: Report): void {
  const canAnswerHttp = listeners.some(([, listener]) => isPlain(listener)) || !report.isWhole(['listeners']);
  const seen = new Map<string, { readonly path: Path; readonly text: string }>();
  for (const [name, { tls }] of listeners) {
    for (const { path: at, value } of itemsOf(tls?.certificates, ['listeners', name, 'tls', 'certificates'])) {
      const { acme } = value;
      if (acme === undefined) continue;
      const path: Path = [...at, 'acme'];
      checkChallenge(acme, path, canAnswerHttp, report);
      const first = listOf(acme.names ?? [])[0]?.toLowerCase();
      if (first === undefined || !report.isWhole(path)) continue;
      const text = JSON.stringify(compileAcme(acme, (written) => written));
      const other = seen.get(first);
      if (other === undefined) seen.set(first, { path, text });
      else if (other.text !== text) {
        report.atKey(path, 'acme-conflict', { name: first, line: report.lineOf(other.path) });
      }
    }
  }
}

function isPlain({ tls, protocol = 'http' }: Loose<ListenerConfig>): boolean {
  return protocol === 'http' && tls === undefined;
}

function checkChallenge(acme: Loose<AcmeConfig>, path: Path, canAnswerHttp: boolean, report: Report): void {
  const { challenge = DEFAULTS.acme.challenge, program } = acme;
  if (challenge === 'dns-01') {
    checkCommand(program, [...path, 'program'], report);
    if (program === undefined && report.lacks(path, 'program')) {
      const fix = '`program: [ /usr/local/bin/set-record ]`';
      report.atKey(path, 'missing-key', { place: '`acme` with `challenge: dns-01`', key: 'program', fix });
    }
    return;
  }
  const isSure = report.lacks(path, 'challenge') || acme.challenge !== undefined;
  const wildcard = listOf(acme.names ?? []).find((one) => one.startsWith('*.'));
  if (wildcard !== undefined && isSure) {
    const reason = `an authority asks for a record for ${wildcard}`;
    report.atKey([...path, 'names'], 'acme-challenge', {
      challenge,
      reason,
      fix: 'write `challenge: dns-01`, with a `program`',
    });
  } else if (challenge === 'http-01' && !canAnswerHttp && isSure) {
    const reason = 'no listener speaks HTTP in clear';
    const fix = 'add one on "*:80", or write `challenge: tls-alpn-01`';
    report.atKey(path, 'acme-challenge', { challenge, reason, fix });
  }
  for (const key of ['program', 'user'] as const) {
    if (acme[key] === undefined || !isSure) continue;
    const args = {
      key,
      reason: `\`challenge: ${challenge}\` runs none`,
      fix: 'leave it out, or write `challenge: dns-01`',
    };
    report.atKey([...path, key], 'no-effect', args);
  }
}

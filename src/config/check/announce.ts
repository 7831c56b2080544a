/** The `announce` part: addresses that can be announced, each once, and interfaces that are different ones. */
import { ANNOUNCED_ADDRESSES_MAX, ANNOUNCEMENTS_MAX } from '../../base/limits.ts';
import { isLinkLocal, notAHostAddress, parseCidr, parseIp } from '../words/addresses.ts';
import { type Path, pathText, show } from '../findings/diagnostic.ts';
import type { Config, Loose } from '../model/config.ts';
import { entriesOf, itemsOf } from '../model/parts.ts';
import { checkTrack } from './ha-parts.ts';
import type { Report } from './report.ts';
import type { UpstreamUses } from './upstream-uses.ts';

/** Where the addresses are while a withdrawal gets round. */
const LOOPBACK = 'lo';

export function checkAnnounce(
  { announce, ha }: Pick<Loose<Config>, 'announce' | 'ha'>,
  hasListeners: boolean,
  uses: UpstreamUses,
  report: Report,
): void {
  const entries = entriesOf(announce);
  if (entries.length > ANNOUNCEMENTS_MAX) {
    const counted = { count: String(entries.length), what: 'announcements', limit: String(ANNOUNCEMENTS_MAX) };
    report.atKey(['announce'], 'too-many', counted);
  }
  const seen = virtualAddresses(ha);
  for (const [name, written] of entries) {
    const path: Path = ['announce', name];
    const addresses = itemsOf(written.addresses, [...path, 'addresses']);
    if (addresses.length > ANNOUNCED_ADDRESSES_MAX) {
      const what = 'addresses of one announcement';
      const counted = { count: String(addresses.length), what, limit: String(ANNOUNCED_ADDRESSES_MAX) };
      report.atKey([...path, 'addresses'], 'too-many', counted);
    }
    for (const { path: at, value } of addresses) checkAddress(value, at, seen, report);
    const { interface: own, graceful } = written;
    if (own !== undefined) checkInterface(own, [...path, 'interface'], report);
    if (graceful?.interface !== undefined) {
      const at: Path = [...path, 'graceful', 'interface'];
      checkInterface(graceful.interface, at, report);
      if (graceful.interface === own) {
        const reason = 'it is `interface` too, whose routes do not have the community';
        report.atValue(at, 'bad-announce-interface', { value: show(own), reason, fix: 'write another one' });
      }
    }
    checkTrack({ track: written.track }, hasListeners, path, uses, report);
  }
}

function checkAddress(text: string, at: Path, seen: Map<string, string>, report: Report): void {
  const address = parseIp(text).value?.address;
  const cidr = address === undefined ? null : parseCidr(`${address}/${address.includes(':') ? 128 : 32}`).value;
  if (address === undefined || cidr === null) return;
  const what = isLinkLocal(address) ? 'a link-local address, which is announced to nobody' : notAHostAddress(cidr);
  if (what !== null) report.atValue(at, 'not-a-host-address', { value: show(text), what });
  const other = seen.get(address);
  if (other !== undefined) report.atValue(at, 'duplicate-address', { value: show(address), place: other });
  seen.set(address, pathText(at));
}

function checkInterface(name: string, at: Path, report: Report): void {
  if (name !== LOOPBACK) return;
  const reason = 'the addresses are there while a withdrawal gets round';
  const fix = 'make one of type dummy for it: `ip link add anycast type dummy`';
  report.atValue(at, 'bad-announce-interface', { value: show(name), reason, fix });
}

function virtualAddresses(ha: Loose<Config>['ha']): Map<string, string> {
  const seen = new Map<string, string>();
  for (const [name, router] of entriesOf(ha)) {
    for (const key of ['addresses', 'excluded'] as const) {
      for (const { path, value } of itemsOf(router[key], ['ha', name, key])) {
        const text = typeof value === 'string' ? value : value.address;
        const address = text === undefined ? undefined : parseCidr(text).value?.address;
        if (address !== undefined) seen.set(address, pathText(path));
      }
    }
  }
  return seen;
}

/** Whether clients can keep their servers as an upstream says. */
import type { Path } from '../findings/diagnostic.ts';
import type { Loose, UpstreamConfig } from '../model/config.ts';
import { itemsOf } from '../model/parts.ts';
import type { Report } from './report.ts';

export function checkSticky(
  name: string,
  { sticky, servers }: Loose<UpstreamConfig>,
  path: Path,
  isTcp: boolean,
  report: Report,
): void {
  const withId = itemsOf(servers, [...path, 'servers']).filter(
    ({ value }) => typeof value !== 'string' && value.id !== undefined,
  );
  const leaveOut = (at: Path, key: string, reason: string): void =>
    report.atKey([...at, key], 'no-effect', { key, reason, fix: 'leave it out' });
  if (sticky === undefined) {
    if (report.lacks(path, 'sticky'))
      for (const { path: at } of withId) leaveOut(at, 'id', 'the upstream has no `sticky`');
    return;
  }
  const at = [...path, 'sticky'];
  if (isTcp) return report.atKey(at, 'wrong-protocol', { key: 'sticky', protocol: 'tcp', fix: 'leave it out' });
  for (const { path: place, value } of itemsOf(servers, [...path, 'servers']))
    if (typeof value !== 'string' && value.state === 'disabled')
      report.atValue([...place, 'state'], 'sticky-disabled', { name });
  const kind = report.oneOf(sticky, at, ['cookie', 'id', 'learn']);
  if ((kind === 'cookie' || kind === 'learn') && sticky.behind !== undefined)
    leaveOut(at, 'behind', 'it belongs to `id`');
  if (kind === 'id' && servers !== undefined && withId.length === 0 && report.isWhole([...path, 'servers']))
    report.atKey([...at, 'id'], 'sticky-without-id', { name });
}

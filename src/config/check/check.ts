/**
 * Whether the parts of a document fit together: names that refer to something, choices of which one must be made, keys that
 * have no effect where they are. Works on what `checkShape` left, so that a wrong duration in one place does not hide a
 * misspelt upstream in another, and says nothing that follows only from what was taken out.
 */
import { LISTENERS_MAX, SERVER_SLOTS_MAX } from '../../base/limits.ts';
import { checkAnnounce } from './announce.ts';
import { checkAccessLogs } from './access-logs.ts';
import { checkAcme } from './acme.ts';
import { checkAdmin } from './admin.ts';
import { checkCircles } from './circles.ts';
import { checkHighAvailability } from './ha.ts';
import type { Binds } from './listener.ts';
import { checkBinds, checkListener } from './listener.ts';
import { UpstreamUses } from './upstream-uses.ts';
import { checkDoors } from './auth.ts';
import { checkFileTypes } from './files.ts';
import { checkKernel } from './kernel.ts';
import { checkLimits } from './limits.ts';
import { checkPeers } from './peers.ts';
import { checkConnectionValues } from './tcp.ts';
import { checkValues } from './values.ts';
import { checkNamed, checkUpstream, slotsOf } from './upstream.ts';
import type { Finding, SourceMap } from '../findings/diagnostic.ts';
import { entriesOf } from '../model/parts.ts';
import { Report } from './report.ts';
import type { Shape } from '../model/shape.ts';

/** `node`: which node this is, if the caller knows better than the document. */
export function checkDocument(shape: Shape, source: SourceMap, node: string | null): Finding[] {
  const { document } = shape;
  const report = new Report(source, shape);
  const uses = new UpstreamUses(report, document);

  const listeners = entriesOf(document.listeners);
  const isEmpty = listeners.length === 0 && document.ha === undefined && document.announce === undefined;
  if (isEmpty && report.isWhole(['listeners']) && report.lacks([], 'ha') && report.lacks([], 'announce')) {
    const fix = '`listeners:` with for example `web: { bind: "*:80", routes: [ { upstream: web } ] }`';
    report.atKey([], 'missing-key', { place: 'the file', key: 'listeners', fix });
  }
  if (listeners.length > LISTENERS_MAX) {
    const counted = { count: String(listeners.length), what: 'listeners', limit: String(LISTENERS_MAX) };
    report.atKey(['listeners'], 'too-many', counted);
  }
  const binds: Binds = [];
  for (const [name, listener] of listeners) checkListener(name, listener, uses, binds, report);
  checkBinds('admin', document.admin?.bind, ['admin', 'bind'], 'tcp', binds, report);
  checkAdmin(document, report);

  const isSure = report.isWhole(['listeners']) && report.lacks([], 'listeners');
  const hasListeners = listeners.length > 0 || !isSure;
  checkAnnounce(document, hasListeners, uses, report);
  if (document.ha !== undefined) {
    checkHighAvailability(document.ha, node ?? document.node ?? null, hasListeners, uses, report);
  }

  for (const [name, upstream] of entriesOf(document.upstreams)) checkNamed(name, upstream, document, uses, report);
  let slots = 0;
  for (const [name, upstream] of entriesOf(document.upstreams)) {
    checkUpstream(name, upstream, uses.of(name), report);
    slots += slotsOf(upstream);
  }
  if (slots > SERVER_SLOTS_MAX) {
    const what = 'addresses of servers (a name counts for 16)';
    report.atKey(['upstreams'], 'too-many', { count: String(slots), what, limit: String(SERVER_SLOTS_MAX) });
  }
  checkKernel(document, report);
  checkCircles(document, report);
  checkAcme(listeners, report);
  checkPeers(document.peers, node ?? document.node ?? null, report);
  checkValues(document, report);
  checkConnectionValues(document, uses, report);
  checkFileTypes(document, report);
  checkDoors(document, report);
  checkLimits(document, report);
  checkAccessLogs(document, report);
  return report.findings;
}

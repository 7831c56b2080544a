/** Parts of a virtual router: what it tracks, what guards it, and the programs that it has run. */
import { checkEtcdFiles } from './etcd.ts';
import { WITNESSES_MAX } from '../../base/limits.ts';
import { parseIp, parseServer } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Loose } from '../model/config.ts';
import type { VirtualRouterConfig } from '../model/ha.ts';
import { itemsOf } from '../model/parts.ts';
import { valuesByNode } from '../model/per-node.ts';
import type { Report } from './report.ts';
import { parseDuration } from '../words/units.ts';
import type { UpstreamUses } from './upstream-uses.ts';

type Router = Loose<VirtualRouterConfig>;
type Track = NonNullable<NonNullable<Router['track']>[number]>;

/** Of a virtual router, or of an announcement. */
export function checkTrack(
  router: Pick<Router, 'track' | 'preempt'>,
  hasListeners: boolean,
  path: Path,
  uses: UpstreamUses,
  report: Report,
): void {
  const preempts = valuesByNode(router.preempt, []);
  const isStaying = preempts.some(({ value }) => value === false);
  for (const { path: at, value: track } of itemsOf(router.track, [...path, 'track'])) {
    report.oneOf(track, at, ['proxy', 'interface', 'script', 'process', 'file', 'upstream']);
    if (track.upstream !== undefined) uses.add(track.upstream, [...at, 'upstream'], 'tcp', null);
    if (track.proxy !== undefined && !hasListeners) {
      const reason = 'there are no listeners';
      report.atKey([...at, 'proxy'], 'no-effect', { key: 'proxy', reason, fix: 'leave it out, or add listeners' });
    }
    const { file } = track;
    if (typeof file === 'object' && file.overwrite !== undefined && file.init === undefined) {
      const args = { key: 'overwrite', reason: 'there is no `init`', fix: 'leave it out, or add `init`' };
      report.atKey([...at, 'file', 'overwrite'], 'no-effect', args);
    }
    if (track.script !== undefined) checkScript(track.script, [...at, 'script'], report);
    if (track.script !== undefined && track.weight !== undefined) {
      const reason = 'the weight of a script is written in `script`';
      report.atKey([...at, 'weight'], 'no-effect', { key: 'weight', reason, fix: 'write it inside `script`' });
    } else if (isStaying) {
      checkWeight(track, at, report);
    }
  }
}

function checkWeight(track: Track, path: Path, report: Report): void {
  if ((track.weight ?? 0) !== 0) report.atKey([...path, 'weight'], 'weight-without-preempt', {});
  if ((track.script?.weight ?? 0) !== 0) report.atKey([...path, 'script', 'weight'], 'weight-without-preempt', {});
}

function checkScript(script: NonNullable<Track['script']>, path: Path, report: Report): void {
  checkCommand(script.run, [...path, 'run'], report);
  checkCommand(script.recover, [...path, 'recover'], report);
  if (script['recover-timeout'] !== undefined && script.recover === undefined && report.lacks(path, 'recover')) {
    const args = { key: 'recover-timeout', reason: 'there is no `recover`', fix: 'leave it out, or add `recover`' };
    report.atKey([...path, 'recover-timeout'], 'no-effect', args);
  }
  const { interval = DEFAULTS.ha.script.interval, timeout = DEFAULTS.ha.script.timeout } = script;
  const isSlow = (parseDuration(timeout) ?? 0) > (parseDuration(interval) ?? 0);
  if (isSlow && report.isWhole(path)) {
    const part = script.timeout === undefined ? 'interval' : 'timeout';
    report.atValue([...path, part], 'slow-check', { timeout, interval });
  }
}

/** No shell looks for the program, and what a `PATH` says at a service manager is nobody's knowledge. */
export function checkCommand(command: readonly (string | undefined)[] | undefined, path: Path, report: Report): void {
  const program = command?.[0];
  if (program === undefined || program === '' || program.startsWith('/')) return;
  report.atValue([...path, 0], 'bad-file', { value: show(program) });
}

export function checkGuard(router: Router, family: 0 | 4 | 6, path: Path, report: Report): void {
  const guard = router.guard;
  if (guard === undefined) return;
  const at: Path = [...path, 'guard'];
  for (const gateway of valuesByNode(guard.gateway, [...at, 'gateway'])) {
    checkFamily(gateway.value, family, gateway.path, report);
  }
  if (guard.witnesses === undefined) return;
  const ofAt: Path = [...at, 'witnesses', 'of'];
  const witnesses = itemsOf(guard.witnesses.of, ofAt);
  for (const { path: witnessAt, value } of witnesses) {
    report.oneOf(value, witnessAt, ['tcp', 'http']);
    if (value.tcp !== undefined) checkPort(value.tcp, [...witnessAt, 'tcp'], report);
  }
  if (witnesses.length > WITNESSES_MAX) {
    const counted = { count: String(witnesses.length), what: 'witnesses', limit: String(WITNESSES_MAX) };
    report.atKey(ofAt, 'too-many', counted);
  }
  const { quorum } = guard.witnesses;
  if (quorum !== undefined && report.isWhole(ofAt) && quorum > witnesses.length) {
    const args = { value: show(quorum), kind: 'a number', min: '1', max: String(witnesses.length) };
    report.atValue([...at, 'witnesses', 'quorum'], 'out-of-range', args);
  }
}

/** An address must be gone from the kernel, and the lease have been renewed in vain, within its time. */
const LEAST_ADVERTS = 4;
const LEAST_MS = 2_000;

export function checkLease(router: Router, path: Path, report: Report): void {
  const lease = router.guard?.lease;
  if (lease === undefined) return;
  const at: Path = [...path, 'guard', 'lease'];
  const isPreempting =
    router.preempt === undefined || valuesByNode(router.preempt, []).some(({ value }) => value !== false);
  if (isPreempting && report.isWhole(path)) report.atKey(at, 'lease-preempts', {});
  checkEtcdFiles(lease, at, report);
  const ttl = lease.ttl ?? DEFAULTS.ha.lease.ttl;
  const advertise = router.advertise ?? DEFAULTS.ha.advertise;
  const leastMs = LEAST_ADVERTS * (parseDuration(advertise) ?? 0) + LEAST_MS;
  const ttlMs = parseDuration(ttl);
  if (ttlMs === null || ttlMs >= leastMs || !report.isWhole(path)) return;
  report.atKey(lease.ttl === undefined ? at : [...at, 'ttl'], 'short-lease', { ttl, advertise, least: `${leastMs}ms` });
}

function checkPort(witness: string, path: Path, report: Report): void {
  const server = parseServer(witness).value;
  if (server === null || server.hasPort) return;
  const host = 'hostname' in server.target ? server.target.hostname : server.target.host;
  report.atValue(path, 'server-without-port', { value: show(witness), host });
}

export function checkFamily(text: string, expected: 0 | 4 | 6, path: Path, report: Report): void {
  const family = parseIp(text).value?.family ?? 0;
  if (family === 0 || expected === 0 || family === expected) return;
  report.atValue(path, 'wrong-family', { value: show(text), family: String(family), other: String(expected) });
}

/**
 * Each keyword of keepalived.conf that has keepalived's meaning here is in a file that a real keepalived runs too (keepalived-differential/,
 * keepalived-servers/), or stands here with the reason why not. A keyword that is new is not covered before it has a case.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Directive } from '../src/config/keepalived/directive.ts';
import { LineReader } from '../src/config/keepalived/lines.ts';
import { TABLES } from '../src/config/keepalived/reference.ts';
import { KeepalivedReport } from '../src/config/keepalived/report.ts';
import { type Statement, statementsOf } from '../src/config/keepalived/statements.ts';

const TEST = fileURLToPath(new URL('../../test/', import.meta.url));
const TOP = 'at the top level';

const OF_PROCESSES = 'the kernel tells a keepalived in a network namespace nothing of processes';

const OF_PING = 'not every machine that tests has a `ping`';

/** By the block that they are in: why no case has them. */
const NOT_COVERED: Readonly<Record<string, string>> = {
  'at the top level vrrp_track_process': OF_PROCESSES,
  'in `vrrp_instance` track_process': OF_PROCESSES,
  'in `vrrp_sync_group` track_process': OF_PROCESSES,
  'in `vrrp_track_process` process': OF_PROCESSES,
  'in `vrrp_track_process` param_match': OF_PROCESSES,
  'in `vrrp_track_process` weight': OF_PROCESSES,
  'in `vrrp_track_process` quorum': OF_PROCESSES,
  'in `real_server` uthreshold': 'connections are counted by the IPVS of a kernel',
  'in `real_server` PING_CHECK': OF_PING,
  'in `PING_CHECK` connect_ip': OF_PING,
  'in `PING_CHECK` delay_loop': OF_PING,
  'in `PING_CHECK` connect_timeout': OF_PING,
  'in `PING_CHECK` retry': OF_PING,
  'in `PING_CHECK` delay_before_retry': OF_PING,
  'in `PING_CHECK` alpha': OF_PING,
  'in `virtual_server` persistence_timeout': 'clients are remembered by the IPVS of a kernel',
};

/** The keywords of a file, each behind the block that it is in. */
function keywordsOf(statements: readonly Statement[], where = TOP): string[] {
  return statements.flatMap(({ keyword, block }) => [
    `${where} ${keyword}`,
    ...(block === null ? [] : keywordsOf(block, `in \`${keyword}\``)),
  ]);
}

function keywordsIn(folder: string): string[] {
  return readdirSync(`${TEST}${folder}`)
    .filter((name) => name.endsWith('.conf'))
    .flatMap((name) => {
      const text = readFileSync(`${TEST}${folder}/${name}`, 'utf8').replace(/^--- (?!peer$)[^]*/m, '');
      const report = new KeepalivedReport();
      const files = { read: () => ({ reason: 'it is not read' }), glob: () => [] };
      const reader = new LineReader({ files, node: 'lb01' }, report);
      reader.readFile({ name, text: text.replace(/^--- peer$/m, '') });
      return keywordsOf(statementsOf(reader.lines, report));
    });
}

test('each keyword that has a meaning is compared with a real keepalived, or it is said why not', () => {
  const covered = new Set(['keepalived-differential', 'keepalived-servers'].flatMap(keywordsIn));
  const supported = TABLES.flatMap(({ where, directives }) =>
    Object.entries<Directive<never>>(directives)
      .filter(([, { state }]) => state === 'works' || state === 'differs')
      .map(([keyword]) => `${where} ${keyword}`),
  );
  const missing = supported.filter((each) => !covered.has(each));
  assert.deepEqual(missing.toSorted(), Object.keys(NOT_COVERED).toSorted());
});

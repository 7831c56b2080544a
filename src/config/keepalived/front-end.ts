/** keepalived.conf as one of the languages of a configuration. */
import type { Finding, Problem } from '../findings/diagnostic.ts';
import type { Code } from '../findings/catalogue.ts';
import type { FrontEnd, FrontEndContext, FrontEndDocument, RootFile } from '../front-end.ts';
import { assemble } from './assemble.ts';
import { readBlock } from './directive.ts';
import { ROOT, ROOT_KEYWORDS } from './directives-root.ts';
import { markAllGaps } from '../gaps.ts';
import { PlacedDocument } from './document.ts';
import type { Drafts } from './draft.ts';
import { LineReader } from './lines.ts';
import { KeepalivedReport } from './report.ts';
import { statementsOf } from './statements.ts';

/** A keyword, with its name and brace; or what only keepalived has: a definition, a condition, a sequence. */
const RECOGNIZED = new RegExp(
  `^[ \\t]*(?:(?:${ROOT_KEYWORDS.join('|')})\\b[^;:]*?(?:\\{|$)|include[rmwba]*[ \\t]+[^;:]+$|\\$[A-Za-z0-9_]+=|@\\^?\\w+ |~(?:SEQx?|LST)\\()`,
  'm',
);

export const keepalivedFrontEnd: FrontEnd = {
  name: 'keepalived',
  recognizes: (text) => RECOGNIZED.test(text.slice(0, 256 * 1024).replace(/^[ \t]*[!#].*$/gm, '')),
  read,
};

function read(root: RootFile, context: FrontEndContext): FrontEndDocument {
  const report = new KeepalivedReport();
  const reader = new LineReader(context, report);
  reader.readFile(root);
  const drafts: Drafts = {
    globals: { fifo: {}, vrrpFifo: {}, certificate: {}, isSecure: false, isStrict: false },
    scripts: [],
    processes: [],
    files: [],
    instances: [],
    groups: [],
    serverGroups: [],
    virtualServers: [],
  };
  const findProgram = (name: string): string => programIn(context, name);
  const statements = statementsOf(reader.lines, report);
  readBlock(statements, ROOT, drafts, { report, findProgram });
  report.setLayout({ lines: reader.lines, starts: statements.map(({ place }) => place) });
  const document = new PlacedDocument(root.name);
  assemble(drafts, document, report);
  const { diagnostics } = report;
  // What was left out for an error is not missing.
  if (report.hasErrors) markAllGaps(document.value);
  return {
    frontEnd: 'keepalived',
    value: document.value,
    source: document.source,
    diagnostics,
    explain,
  };
}

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** keepalived looks for it as execvp(3) does. Where it is not here, it may be there where the file is meant for. */
function programIn({ files }: FrontEndContext, name: string): string {
  if (name.includes('/')) return name;
  return (
    FOLDERS.flatMap((folder) => files.glob(`${folder}/${name.replace(/[*?[\]\\]/g, '\\$&')}`))[0] ?? `/usr/bin/${name}`
  );
}

/** What the checks of the model say in YAML's words. */
const REMEDIES: Readonly<Partial<Record<Code, string>>> = {
  'missing-key': 'write a `vrrp_instance` or a `virtual_server`',
  'duplicate-router-id': 'write another virtual_router_id from 1 to 255',
  'mixed-families': 'write it in `virtual_ipaddress_excluded`, or in another `vrrp_instance`',
  'too-many-advertised': 'write the others in `virtual_ipaddress_excluded`',
  'large-adverts': 'write some of them in `virtual_ipaddress_excluded`',
  'weight-without-preempt': 'leave the weight out, so that it is a fault, or leave `nopreempt` out',
  'lonely-group': 'leave the `vrrp_sync_group` out, or write the others in it',
  'group-priorities': 'write the same priority at all of them',
  'bad-file': 'write the whole path of the program',
  'only-own-address': 'write the other node in `unicast_peer`',
  'duplicate-bind': 'remove one of them, or write another port',
};

/** Of a check of a server, and of a tracked script. */
const SLOW_CHECKS = {
  upstreams: 'write a shorter connect_timeout or misc_timeout, or a longer delay_loop',
  ha: 'write a shorter timeout, or a longer interval',
} as const;

function explain(finding: Finding): Problem {
  const remedy =
    finding.code === 'slow-check' ? SLOW_CHECKS[finding.path[0] as keyof typeof SLOW_CHECKS] : REMEDIES[finding.code];
  return remedy === undefined ? finding : { ...finding, remedy };
}

/** What a keepalived.conf says as parts of the model, with keepalived's defaults, and what it says otherwise than it looks. */
import type { PlacedDocument } from './document.ts';
import type { Drafts, RuleDraft } from './draft.ts';
import { putRouter } from './assemble-router.ts';
import { putVirtualServers } from './assemble-servers.ts';
import type { KeepalivedReport } from './report.ts';

export function assemble(drafts: Drafts, document: PlacedDocument, report: KeepalivedReport): void {
  for (const { members, name, place } of drafts.groups) {
    if (members.length === 0) report.missing(place, `the group ${name} has no members`, 'write `group { NAME ... }`');
    for (const { value, place: at } of members) {
      const groups = drafts.groups.filter((group) => group.members.some((member) => member.value === value));
      if (!drafts.instances.some((instance) => instance.name === value)) {
        report.unknownName('vrrp_instance', value, at);
      } else if (groups.length > 1) {
        report.error(at, `${value} is in two groups`, 'leave it in one');
      }
    }
  }
  numberRules(drafts);
  for (const { path, reader } of [drafts.globals.fifo, drafts.globals.vrrpFifo]) {
    if (reader === undefined || path !== undefined) continue;
    const block = drafts.globals.place ?? reader.place;
    const fix = 'write `notify_fifo /PATH`, or leave it out';
    report.missing(block, 'there is no FIFO for this program', fix, reader.place);
  }
  for (const instance of drafts.instances) putRouter(instance, drafts, document, report);
  putVirtualServers(drafts, document, report);
}

/** The preference that keepalived gives to rules without one: in the order of the file, each before the one above it. */
const PREFERENCE = 16_384;

function numberRules({ instances }: Drafts): void {
  const next = new Map<boolean, number>();
  for (const { rules } of instances) {
    for (const [i, { value, place }] of rules.entries()) {
      if (value.preference !== undefined) continue;
      const preference = next.get(isIpv6(value)) ?? PREFERENCE;
      next.set(isIpv6(value), preference - 1);
      rules[i] = { value: { ...value, preference }, place };
    }
  }
}

function isIpv6({ from, to }: RuleDraft): boolean {
  return (from ?? to ?? '').includes(':');
}

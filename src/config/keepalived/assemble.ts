/** What a keepalived.conf says as parts of the model, with keepalived's defaults, and what it says otherwise than it looks. */
import type { PlacedDocument } from './document.ts';
import type { Drafts } from './draft.ts';
import { putRouter } from './assemble-router.ts';
import { putVirtualServer } from './assemble-servers.ts';
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
  for (const instance of drafts.instances) putRouter(instance, drafts, document, report);
  for (const server of drafts.virtualServers) putVirtualServer(server, document, report);
}

/** The address that a virtual router's adverts are sent from, or why there is none. */
import { formatIP } from '../../../base/address.ts';
import { equalBytes } from '../../../base/bytes.ts';
import type { AttachRequest, SourceLoss } from '../../../port/segment.ts';
import { isLinkLocal } from './link-address.ts';
import type { Link, LinkAddress } from './rtnetlink.ts';

/** An interface by its name. */
interface NamedInterface {
  readonly name: string;
  readonly link: Link | null;
  /** Why it cannot be used, although it is up. */
  readonly problem: string | null;
}

export interface SourceCandidates {
  /** What the interface has, of the router's family. */
  readonly addresses: readonly LinkAddress[];
  /** An address of any virtual router, which is never a sender's. */
  readonly isVirtual: (address: LinkAddress) => boolean;
  /** Of the owner of the addresses (priority 255): one that the machine has by itself. */
  readonly findOwned: () => Uint8Array | undefined;
}

/** The interface has to be usable for adverts, too. */
export function chooseSource(
  { adverts, family }: AttachRequest,
  { link, name, problem }: NamedInterface,
  { addresses, isVirtual, findOwned }: SourceCandidates,
): Uint8Array | SourceLoss {
  if (link === null) return cut(`there is no interface ${name}`);
  if (!link.isRunning) return cut(link.isUp ? `${name} has no carrier` : `${name} is down`);
  if (link.portOf !== null) return cut(`${name} is a port of a ${link.portOf}, which is the interface now`);
  if (problem !== null) return cut(`${name} cannot be used: ${problem}`);
  const bytes = adverts?.packetBytes ?? 0;
  if (bytes > link.mtu) return cut(`an advert has ${bytes} bytes, and the MTU of ${name} is ${link.mtu}`);
  const usable = addresses.filter(({ isTentative }) => !isTentative);
  const wanted = adverts?.source ?? null;
  if (wanted !== null) {
    const isThere = usable.some(({ address }) => equalBytes(address, wanted));
    return isThere ? wanted : lost(`${formatIP(wanted)}, which adverts are sent from, is not an address of ${name}`);
  }
  const own = usable.filter((each) => !isVirtual(each));
  const source =
    family === 6
      ? own.find(({ address }) => isLinkLocal(address))
      : (own.find(({ isSecondary }) => !isSecondary) ?? own[0]);
  if (source !== undefined) return source.address;
  // The owner of the addresses may have no others.
  const owned = adverts?.isOwner === true ? findOwned() : undefined;
  if (owned !== undefined) return owned;
  const isTested = addresses.some((each) => each.isTentative && !isVirtual(each));
  if (isTested) return lost(`${name} has no address yet that was found to be nobody else's`);
  return lost(`${name} has no ${family === 6 ? 'link-local' : 'IPv4'} address of its own`);
}

function cut(reason: string): SourceLoss {
  return { reason, isLinkUp: false };
}

function lost(reason: string): SourceLoss {
  return { reason, isLinkUp: true };
}

export function isSameSource(a: Uint8Array | SourceLoss, b: Uint8Array | SourceLoss): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && equalBytes(a, b);
  }
  return a.reason === b.reason && a.isLinkUp === b.isLinkUp;
}

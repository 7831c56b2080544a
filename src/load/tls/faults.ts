/** What of the certificates cannot be used as it is on disk, for log and status. */

export type CertificateOwner = { readonly listener: string } | { readonly upstream: string };

export interface CertificateFault {
  readonly owner: CertificateOwner;
  /** Of the certificate, or of authorities; a folder: nothing in it can be used. */
  readonly file: string;
  /** That it is for, as far as they are known. */
  readonly names: readonly string[];
  readonly reason: string;
  /** What was read before is in force. */
  readonly isFormerUsed: boolean;
}

/** Of Certificates, what is told here. */
export interface Faulty {
  readonly faults: readonly CertificateFault[];
  readonly listeners: readonly { readonly listener: string; readonly entries: readonly unknown[] }[];
}

export function ownerText(owner: CertificateOwner): string {
  return 'listener' in owner ? `listener ${owner.listener}` : `upstream ${owner.upstream}`;
}

/** As states that last: a line each. */
export function faultTexts({ faults, listeners }: Faulty): readonly string[] {
  const open = new Set(listeners.flatMap(({ listener, entries }) => (entries.length === 0 ? [] : [listener])));
  return faults.map(({ owner, file, names, reason, isFormerUsed }) => {
    const isOfListener = 'listener' in owner;
    if (isFormerUsed) {
      const former = isOfListener ? 'the former one serves' : 'the former one is used';
      return `${ownerText(owner)}: ${file} on disk cannot be used (${reason}), ${former}; reload and upgrade are refused`;
    }
    const verb = isOfListener && !open.has(owner.listener) ? 'is not open' : 'serves';
    const which = names.length === 0 ? '' : ` (${names.join(', ')})`;
    return `${ownerText(owner)} ${verb} without the certificate ${file}${which}: ${reason}`;
  });
}

/** Those that are not in use. */
export function unusedOf({ faults, listeners }: Faulty): Faulty {
  return { listeners, faults: faults.filter(({ isFormerUsed }) => !isFormerUsed) };
}

/** Those of before that there are no more. */
export function endedFaults(former: Faulty, { faults }: Faulty): readonly CertificateFault[] {
  const known = new Set(faults.map(keyOf));
  return former.faults.filter((fault) => !known.has(keyOf(fault)));
}

function keyOf({ owner, file }: CertificateFault): string {
  return JSON.stringify([owner, file]);
}

/** Of a message about this file: without what names it again. */
export function reasonOf(message: string, file: string): string {
  const own = [`the certificate ${file} cannot be used: `, `the certificates of authorities ${file} cannot be used: `];
  const prefix = own.find((each) => message.startsWith(each)) ?? '';
  return message.slice(prefix.length);
}

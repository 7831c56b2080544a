/** Goes on by the same file when something that it names has changed on this machine: certificates, and files whose presence is a value. */
import type { Plan } from '../config/plan/plan.ts';
import type { Sight } from '../core/settled-files.ts';
import { ApplyError } from '../keeper/apply-error.ts';
import type { Log } from '../keeper/log/log.ts';
import { describePresence, presencesOf, withPresence } from '../load/presence.ts';
import type { Certificates } from '../load/tls/certificates.ts';
import { endedFaults, faultTexts, ownerText, unusedOf } from '../load/tls/faults.ts';
import {
  describeAuthorities,
  describeRenewal,
  type Renewal,
  type RenewalRequest,
  replacedTickets,
  withCertificates,
} from '../load/tls/renewal.ts';
import { type InForce, withReady } from './in-force.ts';

export interface RenewalsOptions {
  readonly inForce: InForce;
  /** Reads the certificates of what runs again. */
  readonly readCertificates: (request: RenewalRequest) => Promise<Renewal>;
  /** Nothing changes here any more. */
  readonly isOver: () => boolean;
  /** The certificates in force are others, or what is known of them. */
  readonly onCertificates: () => void;
  /** Every certificate of the file is in use. */
  readonly onWhole: () => void;
  readonly log: Log;
}

export class Renewals {
  private readonly options: RenewalsOptions;
  private presence: { readonly plan: Plan | null; readonly files: Sight } = { plan: null, files: new Map() };

  constructor(options: RenewalsOptions) {
    this.options = options;
  }

  /** Files of certificates, and folders of them, as they were read. */
  get certificateFiles(): Sight {
    return this.options.inForce.certificates.files;
  }

  /** Goes on by the certificates that are in their files now, with everything else as it is. */
  renewCertificates(): Promise<void> {
    const { inForce, readCertificates, isOver, log } = this.options;
    return inForce.change(async () => {
      if (isOver()) return;
      const { plan, certificates: former, certificateSources: sources } = inForce.loaded.ready;
      const { refusals, faults, warnings, certificates } = await readCertificates({ sources, former });
      for (const refusal of refusals) log.warn(`the former certificate is kept: ${refusal}`);
      for (const warning of warnings) log.warn(`certificates: ${warning}`);
      if (certificates === null) {
        inForce.note({ ...former, faults });
        this.handleCertificates(former);
        return;
      }
      const refused = await this.apply({ plan: withCertificates(plan, certificates), certificates });
      if (refused !== null) {
        log.error(`the certificates in force are kept: ${refused}`);
        return;
      }
      for (const change of describeRenewal(former, certificates)) log.info(`certificate replaced: ${change}`);
      for (const files of replacedTickets(former, certificates)) log.info(`ticket keys replaced: ${files}`);
      for (const change of describeAuthorities(former, certificates)) log.info(change);
      this.handleCertificates(former);
    });
  }

  /** The certificates in force were these before: tells what is new of their faults. */
  handleCertificates(former: Certificates): void {
    const { inForce, onCertificates, onWhole, log } = this.options;
    const { certificates } = inForce;
    onCertificates();
    for (const { owner, file } of endedFaults(former, certificates)) {
      log.info(`${ownerText(owner)}: ${file} on disk can be used again`);
    }
    const told = new Set(faultTexts(former));
    const unused = faultTexts(unusedOf(certificates));
    for (const text of unused) if (!told.has(text)) log.error(text);
    if (unused.length === 0) onWhole();
  }

  /** Files and folders whose presence is a value, in no state that there is: each plan is compared once with what is there. */
  get presenceFiles(): Sight {
    const { plan } = this.options.inForce.loaded.ready;
    if (plan !== this.presence.plan) {
      this.presence = { plan, files: new Map(presencesOf(plan).map(({ path }) => [path, ''])) };
    }
    return this.presence.files;
  }

  /** Goes on by what is there now, with everything else as it is. */
  renewPresence(): Promise<void> {
    const { inForce, isOver, log } = this.options;
    return inForce.change(async () => {
      if (isOver()) return;
      const { plan: former } = inForce.loaded.ready;
      const plan = withPresence(former);
      if (plan === former) return;
      const refused = await this.apply({ plan });
      if (refused !== null) log.error(`what values say of files stays as it was: ${refused}`);
      else for (const text of describePresence(former, plan)) log.info(text);
    });
  }

  /** Null, or why not: then nothing has changed. */
  private async apply(ready: Parameters<typeof withReady>[1]): Promise<string | null> {
    const { inForce } = this.options;
    try {
      await inForce.apply(withReady(inForce.loaded, ready));
      return null;
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      return error.message;
    }
  }
}

/** The admin API over TCP: where the configuration says, with the certificate that is in its files now. */
import { type Address, addressText } from '../base/address.ts';
import type { Sight } from '../core/settled-files.ts';
import type { AdminPort } from '../keeper/api/admin-port.ts';
import type { Log } from '../keeper/log/log.ts';
import { FileWatch } from '../load/file-watch.ts';
import type { AdminTls, AdminTlsFiles } from '../load/tls/admin.ts';
import type { CertificateFacts } from '../load/tls/certificates.ts';

export interface AdminDoorOptions {
  readonly port: Pick<AdminPort, 'apply' | 'finish' | 'close' | 'problem'>;
  /** Reads its files again. */
  readonly read: (files: AdminTlsFiles) => Promise<AdminTls>;
  readonly log: Log;
}

const NO_FILES: Sight = new Map();

export class AdminDoor {
  private readonly options: AdminDoorOptions;
  private address: Address | null = null;
  private tls: AdminTls | null = null;
  private readonly watch: FileWatch;

  constructor(options: AdminDoorOptions) {
    this.options = options;
    this.watch = new FileWatch({
      files: () => this.tls?.sight ?? NO_FILES,
      isPaused: () => false,
      onChange: () => void this.renew(),
    });
    this.watch.start();
  }

  /** `address`: null is nowhere. `tls`: null is without. */
  apply(address: Address | null, tls: AdminTls | null): void {
    this.address = address;
    this.tls = tls;
    this.open();
    if (this.fault !== null) this.options.log.error(this.fault);
  }

  /** A successor is to have the port. Who has asked for that is answered. */
  finish(): void {
    this.watch.stop();
    this.options.port.finish();
  }

  close(): void {
    this.watch.stop();
    this.options.port.close();
  }

  /** That is shown there; null: none. */
  get certificate(): CertificateFacts | null {
    return this.address === null ? null : (this.tls?.facts ?? null);
  }

  /** For people. */
  get problem(): string | null {
    return this.fault ?? this.options.port.problem;
  }

  private async renew(): Promise<void> {
    const { read, log } = this.options;
    const former = this.tls!;
    const now = await read(former.files);
    // Another configuration came first.
    if (this.tls !== former) return;
    const isKept = now.credentials === null;
    // In either case these files have been read.
    this.tls = isKept ? { ...now, credentials: former.credentials, facts: former.facts } : now;
    if (this.fault !== null) return log.error(this.fault);
    if (isKept) return log.warn(`the former certificate of the admin API is kept: ${now.fault}`);
    this.open();
    log.info(`the certificate of the admin API is replaced by ${now.files.certificate}`);
  }

  private open(): void {
    const { address, tls } = this;
    if (address === null || this.fault !== null) this.options.port.apply(null);
    else this.options.port.apply({ address, credentials: tls?.credentials ?? null });
  }

  /** At a start; a reload is refused. Null: there is none. */
  private get fault(): string | null {
    const { address, tls } = this;
    if (address === null || tls === null || tls.credentials !== null) return null;
    return `the admin API is not at ${addressText(address)}: ${tls.fault}`;
  }
}

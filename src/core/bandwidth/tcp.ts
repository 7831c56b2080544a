/** How fast the bytes of a TCP connection go on, by what is known of it. */
import type { TcpBandwidthPlan } from '../../config/plan/listener.ts';
import type { RequestView } from '../value/request-view.ts';
import { Amount } from './rule.ts';

/** Bytes in a second, or UNLIMITED: from the client, and to it. */
export interface TcpRates {
  readonly upload: number;
  readonly download: number;
}

export class TcpBandwidth {
  private readonly upload: Amount;
  private readonly download: Amount;

  constructor({ download, upload }: TcpBandwidthPlan) {
    this.upload = new Amount(upload);
    this.download = new Amount(download);
  }

  /** It is the same for all connections. */
  get isFixed(): boolean {
    return this.upload.isFixed && this.download.isFixed;
  }

  /** `view`: of the connection; null where it is the same for all. */
  ratesFor(view: RequestView | null): TcpRates {
    return { upload: this.upload.of(view), download: this.download.of(view) };
  }
}

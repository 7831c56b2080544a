/**
 * Who lets a client's requests in: the listener's service, and before it, on a connection whose layer has something to say to each
 * request, that.
 */
import type { ConnectionInfo, HostGate } from '../layer.ts';
import * as own from './own-responses.ts';
import type { Peer } from './peer.ts';
import type { Route } from './route.ts';
import type { HttpService } from './service.ts';

/** By which routes have pages for clients without the right certificate; no answer has these statuses. */
const PAGE_OF_WRONG = 495;
const PAGE_OF_MISSING = 496;

export interface Admission {
  admit(peer: Peer): Route | own.OwnResponse;
}

export function admissionOf(service: HttpService, info: ConnectionInfo | null): Admission {
  return info === null || info.gate === null ? service : new GatedAdmission(service, info.gate);
}

class GatedAdmission implements Admission {
  private readonly service: HttpService;
  private readonly gate: HostGate;

  constructor(service: HttpService, gate: HostGate) {
    this.service = service;
    this.gate = gate;
  }

  admit(peer: Peer): Route | own.OwnResponse {
    const { service } = this;
    const { bytes, head } = service.view;
    service.view.isComplete = false;
    switch (this.gate.judge(bytes, head.host, head.hostLength)) {
      case 'passes':
        return service.admit(peer);
      case 'misdirected':
        return own.MISDIRECTED;
      case 'missing':
        return service.refuse(peer, PAGE_OF_MISSING, own.NO_CLIENT_CERTIFICATE);
      case 'untrusted':
        return service.refuse(peer, PAGE_OF_WRONG, own.BAD_CLIENT_CERTIFICATE);
    }
  }
}

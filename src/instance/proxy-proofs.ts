/** What the proxies show to authorities, beside what the file says. */
import type { Plan } from '../config/plan/plan.ts';
import { type HttpProof, withHttpProofs, withTlsProofs } from '../core/acme/proofs.ts';
import type { ProxyProof } from '../keeper/acme/challenges.ts';
import { makeProof } from '../load/tls/own-certificates.ts';
import type { Credential, TlsMaterial } from '../port/tls.ts';

export class ProxyProofs {
  private readonly http: readonly HttpProof[];
  private readonly tls: readonly { readonly name: string; readonly credential: Credential }[];

  constructor(proofs: readonly ProxyProof[] = []) {
    this.http = proofs.filter(({ challenge }) => challenge === 'http-01');
    this.tls = proofs
      .filter(({ challenge }) => challenge === 'tls-alpn-01')
      .map(({ name, authorization }) => ({ name, credential: makeProof(name, authorization, Date.now()) }));
  }

  addTo(plan: Plan): Plan {
    const certificates = this.tls.map(({ name, credential }) => ({ name, credential: credential.id }));
    return withTlsProofs(withHttpProofs(plan, this.http), certificates);
  }

  addToMaterial(material: TlsMaterial): TlsMaterial {
    if (this.tls.length === 0) return material;
    return { ...material, credentials: [...material.credentials, ...this.tls.map(({ credential }) => credential)] };
  }
}

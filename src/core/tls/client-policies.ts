/**
 * What a TLS listener asks of its clients' certificates, by the host that they want, and what becomes of a request then.
 *
 * The handshake has asked for what the name in it (SNI) is for; a request for another host gets in only if that one asks for nothing. Without
 * a name in the handshake it may be for any that asks for the same as the default does.
 */
import { assert } from '../../base/assert.ts';
import type { TlsClientsPlan, TlsEntryPlan } from '../../config/plan/tls.ts';

export type Judgement = 'passes' | 'misdirected' | 'missing' | 'untrusted';

/** X509_V_ERR_ codes that say only that no authority we know vouches for it: an issuer is missing, or the chain ends with a self-signed certificate. */
const WITHOUT_CA: ReadonlySet<number> = new Set([2, 18, 19, 20, 21]);

export class ClientPolicies {
  /** `*.x`: here every name under x, so that no doubt lets anybody in. */
  private readonly byName = new Map<string, TlsClientsPlan | null>();
  private readonly standard: TlsClientsPlan | null;

  /** The first entry is the default. Null: none of them asks. */
  static of(entries: readonly Pick<TlsEntryPlan, 'names' | 'clients'>[]): ClientPolicies | null {
    return entries.some(({ clients }) => clients !== null) ? new ClientPolicies(entries) : null;
  }

  private constructor(entries: readonly Pick<TlsEntryPlan, 'names' | 'clients'>[]) {
    assert(entries.length > 0, 'a listener without certificates');
    this.standard = entries[0].clients;
    for (const { names, clients } of entries) {
      for (const name of names) if (!this.byName.has(name)) this.byName.set(name, clients);
    }
  }

  /** Of a lower-case name; empty: of none. */
  find(name: string): TlsClientsPlan | null {
    const host = withoutDot(name);
    const exact = this.byName.get(host);
    if (exact !== undefined) return exact;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const wildcard = this.byName.get(`*${host.slice(dot)}`);
      if (wildcard !== undefined) return wildcard;
    }
    return this.standard;
  }

  /**
   * A request for `host` over a connection whose handshake was for `serverName`, and asked for what `asked` says; both names in lower
   * case, empty: none. `error`: what is wrong with the client's certificate, X509_V_ERR_; 0: nothing; null: it has none.
   */
  judge(host: string, serverName: string, asked: TlsClientsPlan | null, error: number | null): Judgement {
    const policy = host === '' ? asked : this.find(host);
    if (policy === null) return 'passes';
    const isOther = host !== '' && serverName !== '' && withoutDot(host) !== withoutDot(serverName);
    if (isOther || policyText(policy) !== policyText(asked)) return 'misdirected';
    return judgeCertificate(policy, error);
  }
}

/** `error`: as of `ClientPolicies.judge`. */
export function judgeCertificate({ mode }: TlsClientsPlan, error: number | null): 'passes' | 'missing' | 'untrusted' {
  if (error === null) return mode === 'require' ? 'missing' : 'passes';
  return error === 0 || (mode === 'optional-no-ca' && WITHOUT_CA.has(error)) ? 'passes' : 'untrusted';
}

/** The same text, the same policy: sessions go on only from one to the same. */
export function policyText(policy: TlsClientsPlan | null): string {
  return policy === null ? '' : JSON.stringify([policy.mode, policy.authorities, policy.depth]);
}

/** The dot at its end says that a name is complete: it is the same name. */
function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

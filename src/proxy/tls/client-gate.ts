/** The requests of one TLS connection whose listener asks clients for certificates: each is judged by the host that it is for. */
import type { TlsClientsPlan } from '../../config/plan/tls.ts';
import type { ClientPolicies, Judgement } from '../../core/tls/client-policies.ts';
import type { TlsSession } from '../../port/tls.ts';
import type { HostGate } from '../layer.ts';

const CAPITAL_A = 65;
const CAPITAL_Z = 90;
const SMALL = 32;

export class ClientGate implements HostGate {
  /** Of requests for the host that the handshake was for; most are. */
  readonly usual: Judgement;
  private readonly policies: ClientPolicies;
  private readonly serverName: string;
  private readonly asked: TlsClientsPlan | null;
  private readonly error: number | null;

  /** `session`: its handshake is over, and has asked for what `asked` says. */
  constructor(
    policies: ClientPolicies,
    session: Pick<TlsSession, 'serverName' | 'client'>,
    asked: TlsClientsPlan | null,
  ) {
    this.policies = policies;
    this.serverName = session.serverName;
    this.asked = asked;
    this.error = session.client === null ? null : session.client.error;
    this.usual = policies.judge(this.serverName, this.serverName, this.asked, this.error);
  }

  judge(bytes: Uint8Array, host: number, length: number): Judgement {
    if (this.isServerName(bytes, host, length)) return this.usual;
    let name = '';
    for (let i = host; i < host + length; i++) name += String.fromCharCode(lower(bytes[i]));
    return this.policies.judge(name, this.serverName, this.asked, this.error);
  }

  private isServerName(bytes: Uint8Array, at: number, length: number): boolean {
    const { serverName } = this;
    if (length !== serverName.length) return false;
    let i = 0;
    while (i < length && lower(bytes[at + i]) === serverName.charCodeAt(i)) i++;
    return i === length;
  }
}

function lower(byte: number): number {
  return byte >= CAPITAL_A && byte <= CAPITAL_Z ? byte + SMALL : byte;
}

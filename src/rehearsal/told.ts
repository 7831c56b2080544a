/**
 * A listener's layer, as if it had done what it has to do: keys are agreed on, a ClientHello is read, a PROXY protocol header says who the
 * client is. What follows from it is the real thing.
 */
import { ClientPolicies } from '../core/tls/client-policies.ts';
import { ServerNames } from '../core/tls/server-names.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { TlsPlan } from '../config/plan/tls.ts';
import type { Socket } from '../port/transport.ts';
import {
  type ConnectionInfo,
  type Layer,
  type LayerUser,
  NOT_OPENED,
  NOTHING_KNOWN,
  type Opening,
} from '../proxy/layer.ts';
import { ClientGate } from '../proxy/tls/client-gate.ts';
import { ClientHello } from '../wire/tls/client-hello.ts';

/** A client that speaks TLS. */
export interface TlsClient {
  /** The host that its handshake is for: lower-case. Empty: it is an address, which is not said. */
  readonly serverName: string;
}

/** Null: there is nothing between. */
export function toldLayer({ tls, passthrough, proxyProtocol }: ListenerPlan, client: TlsClient | null): Layer | null {
  if (tls === null && passthrough === null && proxyProtocol === null) return null;
  const info: ConnectionInfo = {
    ...NOTHING_KNOWN,
    ...(tls === null || client === null ? {} : tlsFacts(tls, client)),
    hello: passthrough === null || client === null ? null : helloOf(client),
  };
  return {
    open(socket: Socket, above: LayerUser): Opening {
      above.handleOpen(socket, info);
      return NOT_OPENED;
    },
  };
}

function tlsFacts(plan: TlsPlan, { serverName }: TlsClient): Pick<ConnectionInfo, 'tls' | 'protocol' | 'gate'> {
  const protocol = plan.protocols.find((each) => each === 'http/1.1') ?? null;
  const policies = plan.entries.length === 0 ? null : ClientPolicies.of(plan.entries);
  const entry = plan.entries[Math.max(0, entryFor(plan, serverName))];
  return {
    protocol,
    tls: {
      version: plan.versions.includes('1.3') ? 'TLSv1.3' : 'TLSv1.2',
      cipher: '',
      group: '',
      offeredCiphers: '',
      offeredGroups: '',
      protocol,
      sessionId: '',
      serverName,
      isResumed: false,
      client: null,
    },
    gate: policies === null ? null : new ClientGate(policies, { serverName, client: null }, entry.clients),
  };
}

/** Of the entry whose certificate the client is shown; -1: no name is its. */
export function entryFor({ entries }: TlsPlan, serverName: string): number {
  return serverName === '' ? -1 : new ServerNames(entries).find(serverName);
}

function helloOf({ serverName }: TlsClient): ClientHello {
  const hello = new ClientHello();
  hello.serverName = serverName;
  return hello;
}

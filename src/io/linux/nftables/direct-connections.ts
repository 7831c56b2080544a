/** Connections that the rules of `forward: dsr` know (direct-rules.ts), and that they shall know no longer. */
import { type Address, addressBytes, addressText, formatIP } from '../../../base/address.ts';
import type { TrackedFlow } from '../../../port/forwarding.ts';
import type { NetlinkRequests } from '../segment/netlink-socket.ts';
import { Batch, NFPROTO_IPV4, NFPROTO_IPV6 } from './batch.ts';
import { type Memory, memoryShape } from './direct-rules.ts';
import { bytesOf, endOf, type Family, PROTOCOLS } from './shapes.ts';
import { TableReader, valueIn } from './table-reader.ts';

const NFTA_SET_ELEM_DATA = 2;
const MEMORIES: readonly Memory[] = ['known', 'begun', 'ended'];

export class DirectConnections {
  private readonly requests: NetlinkRequests;
  private readonly reader: TableReader;
  private readonly table: string;

  constructor(requests: NetlinkRequests, table: string) {
    this.requests = requests;
    this.reader = new TableReader(requests, table);
    this.table = table;
  }

  /** Of TCP, in portions, one at each step. */
  *flowsOf(service: Address): Generator<undefined, readonly TrackedFlow[]> {
    const flows: TrackedFlow[] = [];
    const family = service.family === 6 ? 6 : 4;
    const bytes = bytesOf(family);
    const servers = new Map<string, string>();
    for (const memory of MEMORIES) {
      yield* this.elements(family, memory, (key, data) => {
        if (!isTo(key, family, 'tcp', service)) return;
        const name = String.fromCharCode(...data);
        let server = servers.get(name);
        if (server === undefined) {
          server = addressText({ family, host: formatIP(data), port: service.port });
          servers.set(name, server);
        }
        const port = (key[bytes] << 8) | key[bytes + 1];
        flows.push({ client: key.slice(0, bytes), port, server, via: null, isOver: memory === 'ended' });
      });
    }
    return flows;
  }

  forgetService(protocol: 'tcp' | 'udp', service: Address): number {
    return this.forget(service, (key, _, family) => isTo(key, family, protocol, service));
  }

  forgetServer(protocol: 'tcp' | 'udp', server: Address): number {
    const host = addressBytes(server);
    // A server has the port of its service.
    const port = endOf(server).subarray(host.length);
    return this.forget(server, (key, data) => {
      const servicePort = key.subarray(2 * host.length + 4, 2 * host.length + 8);
      const isOf = key[key.length - 4] === PROTOCOLS[protocol] && Buffer.compare(servicePort, port) === 0;
      return isOf && Buffer.compare(host, data) === 0;
    });
  }

  private forget(
    { family: of }: Address,
    isMeant: (key: Uint8Array, data: Uint8Array, family: Family) => boolean,
  ): number {
    const family = of === 6 ? 6 : 4;
    let count = 0;
    for (const memory of MEMORIES) {
      const keys: Uint8Array[] = [];
      const steps = this.elements(family, memory, (key, data) => {
        if (isMeant(key, data, family)) keys.push(key.slice());
      });
      while (steps.next().done !== true);
      count += keys.length;
      // One that is gone meanwhile would keep all others.
      for (const key of keys) {
        const batch = new Batch(this.table, protocolOf(family));
        batch.deleteElements(memoryShape(memory, family), [key]);
        this.requests.change(batch.finished());
      }
    }
    return count;
  }

  private *elements(
    family: Family,
    memory: Memory,
    handle: (key: Uint8Array, data: Uint8Array) => void,
  ): Generator<undefined, boolean> {
    const { name } = memoryShape(memory, family);
    return yield* this.reader.elementsInPortions(protocolOf(family), name, (key, element) => {
      const data = valueIn(element, NFTA_SET_ELEM_DATA);
      if (data !== undefined) handle(key, data);
    });
  }
}

function isTo(key: Uint8Array, family: Family, protocol: 'tcp' | 'udp', service: Address): boolean {
  const bytes = bytesOf(family);
  const end = endOf(service);
  const at = bytes + 4;
  return key[key.length - 4] === PROTOCOLS[protocol] && Buffer.compare(key.subarray(at, 2 * at), end) === 0;
}

function protocolOf(family: Family): number {
  return family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

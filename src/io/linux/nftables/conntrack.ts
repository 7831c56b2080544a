/**
 * Flows that connection tracking knows, and that it shall know no longer (nfnetlink_conntrack). The kernel picks out those of one
 * server or service by itself (Linux 5.8), so that nobody reads all there are; from an older one all are read.
 */
import { type Address, addressBytes, addressText, formatIP } from '../../../base/address.ts';
import type { TrackedFlow } from '../../../port/forwarding.ts';
import { findAttribute, NESTED, NetlinkWriter, readAttributes } from '../segment/netlink-message.ts';
import type { NetlinkRequests } from '../segment/netlink-socket.ts';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from './batch.ts';
import { PROTOCOLS } from './shapes.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_PROTOINFO = 4;
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_STATE = 1;
const TCP_CONNTRACK_LAST_ACK = 6;
const CTA_ID = 12;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_PROTO_NUM = 1;
const F_PROTO_NUM = 8;

type End = 'sender' | 'receiver';

/** Attributes of a tuple, and the flags of those that are asked about (CTA_FILTER_F_*). */
const ENDS = {
  sender: { ip: { 4: 1, 6: 3 }, port: 2, parts: 1 | F_PROTO_NUM | 16 },
  receiver: { ip: { 4: 2, 6: 4 }, port: 3, parts: 2 | F_PROTO_NUM | 32 },
} as const;

/** Sent at once. */
const PORTION = 500;

export class ConntrackTable {
  private readonly requests: NetlinkRequests;

  constructor(requests: NetlinkRequests) {
    this.requests = requests;
  }

  /** Of connections that a server answers, and of those that it went on with after a takeover. How many there were. */
  forgetServer(protocol: 'tcp' | 'udp', server: Address): number {
    return (
      this.forget(protocol, server, CTA_TUPLE_REPLY, 'sender') + this.forget(protocol, server, CTA_TUPLE_ORIG, 'sender')
    );
  }

  /** The same of those that were begun to a service. */
  forgetService(protocol: 'tcp' | 'udp', service: Address): number {
    return (
      this.forget(protocol, service, CTA_TUPLE_ORIG, 'receiver') +
      this.forget(protocol, service, CTA_TUPLE_REPLY, 'receiver')
    );
  }

  /**
   * Of TCP: those that were begun to a service, and those that its servers went on with after a takeover. A socket of its own may read it in portions, one at
   * each step. `isMasked`: servers answer the service itself, and none can go on before its client has.
   */
  *flowsOf(service: Address, isMasked: boolean): Generator<undefined, readonly TrackedFlow[]> {
    const flows: TrackedFlow[] = [];
    const family = service.family === 6 ? 6 : 4;
    const servers = new Map<string, string>();
    const textOf = (server: Address): string => {
      const key = `${server.host} ${server.port}`;
      let text = servers.get(key);
      if (text === undefined) servers.set(key, (text = addressText(server)));
      return text;
    };
    // Who began it, as the kernel thinks, is the client, or its server.
    const end = 'receiver';
    for (const tuple of isMasked ? [CTA_TUPLE_ORIG] : [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY]) {
      const isByClient = tuple === CTA_TUPLE_ORIG;
      try {
        yield* this.requests.dumpInPortions(
          (writer, flags) => {
            writer.begin(typeOf(IPCTNL_MSG_CT_GET), flags, headerOf(service));
            writeFilter(writer, 'tcp', service, tuple, end);
          },
          (bytes, message) => {
            const attributes = readAttributes(bytes, message.start + 4, message.end);
            if (!isEnd(attributes.get(tuple), 'tcp', service, end)) return;
            const reply = endIn(attributes.get(CTA_TUPLE_REPLY), 'sender', family);
            const original = endIn(attributes.get(CTA_TUPLE_ORIG), 'sender', family);
            if (reply === null || original === null) return;
            const [client, server] = isByClient ? [original, reply] : [reply, original];
            const isOver = stateIn(attributes.get(CTA_PROTOINFO)) >= TCP_CONNTRACK_LAST_ACK;
            const address = { family, host: formatIP(server.address), port: server.port } as const;
            const seen = isMasked ? endIn(attributes.get(CTA_TUPLE_REPLY), 'receiver', family)?.port : undefined;
            const via = seen === undefined || seen === client.port ? null : seen;
            flows.push({ client: client.address.slice(), port: client.port, server: textOf(address), via, isOver });
          },
        );
      } catch {
        // There is no connection tracking here.
      }
    }
    return flows;
  }

  /** `tuple`: whose sender or receiver it is, of the packets that go as the first one, or of those that answer it. */
  private forget(protocol: 'tcp' | 'udp', address: Address, tuple: number, end: End): number {
    const header = headerOf(address);
    const found: { readonly tuple: Uint8Array; readonly id: Uint8Array | undefined }[] = [];
    try {
      this.requests.dump(
        (writer, flags) => {
          writer.begin(typeOf(IPCTNL_MSG_CT_GET), flags, header);
          writeFilter(writer, protocol, address, tuple, end);
        },
        (bytes, message) => {
          const attributes = readAttributes(bytes, message.start + 4, message.end);
          const original = attributes.get(CTA_TUPLE_ORIG);
          // A kernel that knows no filters tells all that it has.
          const isMeant = isEnd(attributes.get(tuple), protocol, address, end);
          if (original !== undefined && isMeant)
            found.push({ tuple: original.slice(), id: attributes.get(CTA_ID)?.slice() });
        },
      );
    } catch {
      // There is no connection tracking here, and so nothing to forget.
      return 0;
    }
    for (let from = 0; from < found.length; from += PORTION) {
      const writer = new NetlinkWriter();
      for (const { tuple: original, id } of found.slice(from, from + PORTION)) {
        writer.begin(typeOf(IPCTNL_MSG_CT_DELETE), 0, header);
        writer.attribute(CTA_TUPLE_ORIG | NESTED, original);
        if (id !== undefined) writer.attribute(CTA_ID, id);
      }
      // What is gone meanwhile is an error of one of them.
      this.requests.change(writer.finished());
    }
    return found.length;
  }
}

function writeFilter(writer: NetlinkWriter, protocol: 'tcp' | 'udp', address: Address, tuple: number, end: End): void {
  const { ip, port, parts } = ENDS[end];
  writer.nest(tuple, () => {
    writer.nest(CTA_TUPLE_IP, () => writer.attribute(address.family === 4 ? ip[4] : ip[6], addressBytes(address)));
    writer.nest(CTA_TUPLE_PROTO, () => {
      writer.u8(CTA_PROTO_NUM, PROTOCOLS[protocol]);
      writer.attribute(port, Uint8Array.of(address.port >> 8, address.port & 0xff));
    });
  });
  writer.nest(CTA_FILTER, () => {
    writer.u32(CTA_FILTER_ORIG_FLAGS, tuple === CTA_TUPLE_ORIG ? parts : 0);
    writer.u32(CTA_FILTER_REPLY_FLAGS, tuple === CTA_TUPLE_REPLY ? parts : 0);
  });
}

/** Whether this is where packets of the tuple come from, or go to. */
function isEnd(tuple: Uint8Array | undefined, protocol: 'tcp' | 'udp', address: Address, end: End): boolean {
  if (tuple === undefined) return false;
  const { ip, port } = ENDS[end];
  const part = (of: number, type: number): Uint8Array =>
    findAttribute(findAttribute(tuple, of) ?? NOTHING, type) ?? NOTHING;
  const [number = -1] = part(CTA_TUPLE_PROTO, CTA_PROTO_NUM);
  const [high = -1, low = -1] = part(CTA_TUPLE_PROTO, port);
  const host = part(CTA_TUPLE_IP, address.family === 4 ? ip[4] : ip[6]);
  return (
    number === PROTOCOLS[protocol] &&
    high === address.port >> 8 &&
    low === (address.port & 0xff) &&
    Buffer.compare(host, addressBytes(address)) === 0
  );
}

function endIn(
  tuple: Uint8Array | undefined,
  end: End,
  family: 4 | 6,
): { readonly address: Uint8Array; readonly port: number } | null {
  if (tuple === undefined) return null;
  const { ip, port } = ENDS[end];
  const address = findAttribute(findAttribute(tuple, CTA_TUPLE_IP) ?? NOTHING, ip[family]);
  const number = findAttribute(findAttribute(tuple, CTA_TUPLE_PROTO) ?? NOTHING, port);
  return address === undefined || number === undefined ? null : { address, port: (number[0] << 8) | number[1] };
}

/** Of TCP. */
function stateIn(info: Uint8Array | undefined): number {
  return findAttribute(findAttribute(info ?? NOTHING, CTA_PROTOINFO_TCP) ?? NOTHING, CTA_PROTOINFO_TCP_STATE)?.[0] ?? 0;
}

function headerOf(address: Address): Uint8Array {
  return Uint8Array.of(address.family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6, 0, 0, 0);
}

const NOTHING = new Uint8Array(0);

function typeOf(type: number): number {
  return (NFNL_SUBSYS_CTNETLINK << 8) | type;
}

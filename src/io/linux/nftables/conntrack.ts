/**
 * Flows that connection tracking knows, and that it shall know no longer (nfnetlink_conntrack). The kernel picks out those of one
 * server or service by itself (Linux 5.8), so that nobody reads all there are.
 */
import type { Address } from '../../../base/address.ts';
import { addressBytes } from '../../../base/address.ts';
import { NetlinkWriter, readAttributes } from '../segment/netlink-message.ts';
import type { NetlinkRequests } from '../segment/netlink-socket.ts';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from './batch.ts';
import { PROTOCOLS } from './forwarding-rules.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;

/** Which parts of a tuple have to be so. */
const F_IP_SRC = 1;
const F_IP_DST = 2;
const F_PROTO_NUM = 8;
const F_SRC_PORT = 16;
const F_DST_PORT = 32;

const NESTED = 0x8000;

export class ConntrackTable {
  private readonly requests: NetlinkRequests;

  constructor(requests: NetlinkRequests) {
    this.requests = requests;
  }

  /** How many there were. `server`: it answers them; `service`: they were begun to it. */
  forget(protocol: 'tcp' | 'udp', address: Address, which: 'server' | 'service'): number {
    const header = Uint8Array.of(address.family === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6, 0, 0, 0);
    const found: { readonly tuple: Uint8Array; readonly id: Uint8Array | undefined }[] = [];
    try {
      this.requests.dump(
        (writer, flags) => {
          writer.begin(typeOf(IPCTNL_MSG_CT_GET), flags, header);
          writeFilter(writer, protocol, address, which);
        },
        (bytes, { start, end }) => {
          const attributes = readAttributes(bytes, start + 4, end);
          const tuple = attributes.get(CTA_TUPLE_ORIG);
          if (tuple !== undefined) found.push({ tuple: tuple.slice(), id: attributes.get(CTA_ID)?.slice() });
        },
      );
    } catch {
      // There is no connection tracking here, and so nothing to forget.
      return 0;
    }
    // Each by itself: what is gone meanwhile is an error of one.
    for (const { tuple, id } of found) {
      const writer = new NetlinkWriter();
      writer.begin(typeOf(IPCTNL_MSG_CT_DELETE), 0, header);
      writer.attribute(CTA_TUPLE_ORIG | NESTED, tuple);
      if (id !== undefined) writer.attribute(CTA_ID, id);
      this.requests.change(writer.finished());
    }
    return found.length;
  }
}

function writeFilter(
  writer: NetlinkWriter,
  protocol: 'tcp' | 'udp',
  address: Address,
  which: 'server' | 'service',
): void {
  const isV4 = address.family === 4;
  const isServer = which === 'server';
  writer.nest(isServer ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG, () => {
    const source = isV4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
    const destination = isV4 ? CTA_IP_V4_DST : CTA_IP_V6_DST;
    writer.nest(CTA_TUPLE_IP, () => writer.attribute(isServer ? source : destination, addressBytes(address)));
    writer.nest(CTA_TUPLE_PROTO, () => {
      writer.u8(CTA_PROTO_NUM, PROTOCOLS[protocol]);
      const port = Uint8Array.of(address.port >> 8, address.port & 0xff);
      writer.attribute(isServer ? CTA_PROTO_SRC_PORT : CTA_PROTO_DST_PORT, port);
    });
  });
  const parts = isServer ? F_IP_SRC | F_PROTO_NUM | F_SRC_PORT : F_IP_DST | F_PROTO_NUM | F_DST_PORT;
  writer.nest(CTA_FILTER, () => {
    writer.u32(CTA_FILTER_ORIG_FLAGS, isServer ? 0 : parts);
    writer.u32(CTA_FILTER_REPLY_FLAGS, isServer ? parts : 0);
  });
}

function typeOf(type: number): number {
  return (NFNL_SUBSYS_CTNETLINK << 8) | type;
}

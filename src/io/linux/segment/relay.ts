/**
 * Passing on what belongs to a predecessor's connections, while they end: nftables rules of this process's own, made and
 * removed by netlink (nf_tables, nft(8)). What `nft list ruleset` shows of it:
 *
 *     table ip evenkeel-51-2 {           # flags owner: the kernel removes it when this process is gone
 *       set addresses { 192.168.15.3, ... }
 *       set began { size 65535; flags dynamic; }
 *       chain prerouting {
 *         type filter hook prerouting priority raw;
 *         ip daddr @addresses tcp flags & (syn | ack) == syn  add @began { ip saddr . tcp sport }  accept
 *         ip daddr @addresses meta l4proto tcp  ip saddr . tcp sport != @began  dup to 192.168.15.5 device "eth0"  drop
 *       }
 *     }
 *
 * A connection that began here is served here. Whatever else comes for these addresses began at the predecessor, and this
 * kernel would end it by a reset. In front of connection tracking, which knows as little of it. The predecessor answers the
 * client directly.
 */
import { Batch, NFPROTO_IPV4, NFPROTO_IPV6 } from '../nftables/batch.ts';
import { hostBytes, type NamedSet, type RuleWriter, RECEIVER, SECOND, SENDER } from '../nftables/rule-writer.ts';
import * as libc from '../libc.ts';
import { NETLINK_NETFILTER, NetlinkRequests } from './netlink-socket.ts';

const NF_INET_PRE_ROUTING = 0;
const NF_IP_PRI_RAW = -300;
const NF_DROP = 0;
const NF_ACCEPT = 1;
const IPPROTO_TCP = 6;

const ADDRESSES: NamedSet = { name: 'addresses', id: 1 };
const BEGAN: NamedSet = { name: 'began', id: 2 };
/** Connections that may begin meanwhile. One more is answered by the predecessor, which still listens. */
const CONNECTIONS_MAX = 65_535;
const CHAIN = 'prerouting';

export interface RelayOptions {
  readonly name: string;
  /** All of one family. */
  readonly addresses: readonly Uint8Array[];
  /** The predecessor's own address, on the segment of that link. */
  readonly peer: Uint8Array;
  readonly linkIndex: number;
}

export class Relay {
  private readonly requests = new NetlinkRequests(NETLINK_NETFILTER);
  private readonly name: string;
  private readonly family: number;

  /** Null, and told why: the kernel cannot do it. */
  static open(options: RelayOptions, refused: (reason: string) => void): Relay | null {
    const relay = new Relay(options);
    let reason: string | null = null;
    relay.requests.change(makingMessages(options), (_, error) => {
      // All or nothing: the first error is the reason for those that follow.
      reason ??= libc.errorName(error);
    });
    if (reason === null) return relay;
    relay.requests.close();
    refused(reason);
    return null;
  }

  private constructor({ name, peer }: RelayOptions) {
    this.name = name;
    this.family = familyOf(peer);
  }

  close(): void {
    // Told to remove it, the kernel waits for nobody; at the end of a socket that owns a table it would.
    const batch = new Batch(this.name, this.family);
    batch.deleteTable();
    this.requests.change(batch.finished());
    this.requests.close();
  }
}

function makingMessages({ name, addresses, peer, linkIndex }: RelayOptions): Uint8Array {
  const addressBytes = peer.length;
  const batch = new Batch(name, familyOf(peer));
  batch.addOwnedTable();
  batch.addSet({ ...ADDRESSES, keyBytes: addressBytes, size: addresses.length });
  batch.addElements(ADDRESSES, addresses);
  batch.addSet({ ...BEGAN, keyBytes: addressBytes + 4, size: CONNECTIONS_MAX, isDynamic: true });
  batch.addChain(CHAIN, { type: 'filter', hook: NF_INET_PRE_ROUTING, priority: NF_IP_PRI_RAW });
  const isTcpToAddresses = (rule: RuleWriter): void => {
    rule.loadAddress(RECEIVER, addressBytes);
    rule.isIn(ADDRESSES);
    rule.isOfProtocol(IPPROTO_TCP);
  };
  batch.addRule(CHAIN, (rule) => {
    isTcpToAddresses(rule);
    rule.isFirstSegment();
    rule.loadEnd(SENDER, addressBytes);
    rule.addTo(BEGAN);
    rule.verdict(NF_ACCEPT);
  });
  batch.addRule(CHAIN, (rule) => {
    isTcpToAddresses(rule);
    rule.loadEnd(SENDER, addressBytes);
    rule.isNotIn(BEGAN);
    rule.loadValue(peer);
    rule.loadValue(hostBytes(linkIndex), SECOND);
    rule.duplicate();
    rule.verdict(NF_DROP);
  });
  return batch.finished();
}

function familyOf(address: Uint8Array): number {
  return address.length === 16 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

/** Networks to numbers: the longest one that has an address. A binary tree over the bits of IPv6 addresses; IPv4 is below ::ffff:0:0. */
import type { IpWords } from '../../wire/ip-text.ts';

const NODE_WORDS = 3;
const VALUE = 2;

export class NetworkTree {
  /** Per node the nodes below for 0 and 1, and the value; 0: none. */
  private readonly nodes: number[] = [0, 0, 0];

  /** The addresses whose first `bits` bits are those of `ip`. A later one with the same bits goes before. */
  add(ip: IpWords, bits: number, value: number): void {
    const { nodes } = this;
    let node = 0;
    for (let i = 0; i < bits; i++) {
      const below = node + bitOf(ip, i);
      if (nodes[below] === 0) {
        nodes[below] = nodes.length;
        for (let word = 0; word < NODE_WORDS; word++) nodes.push(0);
      }
      node = nodes[below];
    }
    nodes[node + VALUE] = value;
  }

  /** 0: no network has it. */
  find(ip: IpWords): number {
    const { nodes } = this;
    let found = nodes[VALUE];
    let node = 0;
    for (let i = 0; i < 128; i++) {
      node = nodes[node + bitOf(ip, i)];
      if (node === 0) break;
      if (nodes[node + VALUE] !== 0) found = nodes[node + VALUE];
    }
    return found;
  }
}

function bitOf(ip: IpWords, bit: number): number {
  const word = bit < 64 ? (bit < 32 ? ip.ip0 : ip.ip1) : bit < 96 ? ip.ip2 : ip.ip3;
  return (word >>> (31 - (bit & 31))) & 1;
}

/** Datagrams on a stage: where the proxy sends them is noted, and nobody answers. */
import type { Address } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { type Correspondents, DIRECT } from '../base/correspondents.ts';
import type { DatagramHandler, Datagrams, DatagramSocket, Flow } from '../port/datagram.ts';
import { IpWords, readIp } from '../wire/ip-text.ts';
import { writeAddress } from './address-bytes.ts';

export class StageDatagrams implements Datagrams {
  /** Where datagrams went. */
  readonly sent: Address[] = [];
  private readonly addressOf: (preparedAddress: number) => Address;
  private readonly bound = new Map<number, DatagramHandler>();

  constructor(addressOf: (preparedAddress: number) => Address) {
    this.addressOf = addressOf;
  }

  /** A client sends this to what is bound to this descriptor. */
  deliver(descriptor: number, client: Address, local: Address, bytes: Uint8Array): void {
    const handler = this.bound.get(descriptor);
    assert(handler !== undefined, 'nobody is bound there');
    handler.handleDatagram(socketAt(local.port, correspondents(client, local)), bytes, 0, bytes.length);
  }

  bind(descriptor: number, handler: DatagramHandler): DatagramSocket {
    this.bound.set(descriptor, handler);
    return socketAt(0, correspondents(NOWHERE, NOWHERE));
  }

  open(preparedAddress: number, _handler: unknown, tag: number): Flow {
    const address = this.addressOf(preparedAddress);
    const note = (): void => void this.sent.push(address);
    return { tag, descriptor: -1, send: note, sendBehind: note, stop: () => undefined, close: () => undefined };
  }

  adopt(): null {
    return null;
  }
}

const NOWHERE: Address = { family: 4, host: '0.0.0.0', port: 0 };

function socketAt(port: number, from: Correspondents): DatagramSocket {
  return {
    port,
    knowsAsked: true,
    from,
    keepReturn: () => 0,
    forgetReturn: () => undefined,
    keepReturnTo: () => 0,
    sendTo: () => undefined,
    start: () => undefined,
    stop: () => undefined,
    isStopped: true,
    close: () => undefined,
  };
}

function correspondents(client: Address, local: Address): Correspondents {
  const of = wordsOf(client);
  const at = wordsOf(local);
  return {
    ...DIRECT,
    ip0: of.ip0,
    ip1: of.ip1,
    ip2: of.ip2,
    ip3: of.ip3,
    port: client.port,
    local0: at.ip0,
    local1: at.ip1,
    local2: at.ip2,
    local3: at.ip3,
    localPort: local.port,
  };
}

function wordsOf(address: Address): IpWords {
  const bytes = new Uint8Array(16);
  const words = new IpWords();
  writeAddress(address, bytes, 0);
  readIp(bytes, 0, words);
  return words;
}

/** Captures that Wireshark opens: the classic pcap format, microseconds, Ethernet. */
import { closeSync, openSync, writeSync } from 'node:fs';

export class PcapWriter {
  private readonly descriptor: number;

  constructor(path: string) {
    this.descriptor = openSync(path, 'w');
    const header = new DataView(new ArrayBuffer(24));
    header.setUint32(0, 0xa1b2c3d4);
    header.setUint16(4, 2);
    header.setUint16(6, 4);
    header.setUint32(16, 65535);
    header.setUint32(20, 1);
    writeSync(this.descriptor, header);
  }

  write(frame: Uint8Array, atUs: number): void {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, Math.floor(atUs / 1e6));
    header.setUint32(4, Math.floor(atUs % 1e6));
    header.setUint32(8, frame.length);
    header.setUint32(12, frame.length);
    writeSync(this.descriptor, header);
    writeSync(this.descriptor, frame);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

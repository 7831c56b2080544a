/** `ranges` of `geo`: ranges of IPv4 addresses, of which a later one replaces its part of those before (ngx_http_geo_module). */

interface Range {
  readonly from: number;
  /** Within the range. */
  readonly to: number;
}

interface Segment extends Range {
  readonly value: string;
}

export class AddressRanges {
  /** In their order, none over another. */
  private segments: Segment[] = [];

  set({ from, to }: Range, value: string): void {
    const last = this.segments[this.segments.length - 1];
    const added = { from, to, value };
    if (last === undefined || last.to < from) {
      this.segments.push(added);
      return;
    }
    const parts = this.segments.flatMap((segment) => [
      ...(segment.from < from ? [{ ...segment, to: Math.min(segment.to, from - 1) }] : []),
      ...(segment.to > to ? [{ ...segment, from: Math.max(segment.from, to + 1) }] : []),
    ]);
    this.segments = [...parts, added].toSorted((one, other) => one.from - other.from);
  }

  /** False: there is no such range, nor a part that is left of one. */
  remove({ from, to }: Range): boolean {
    const at = this.segments.findIndex((segment) => segment.from === from && segment.to === to);
    if (at !== -1) this.segments.splice(at, 1);
    return at !== -1;
  }

  /** The same as networks, each with its value. */
  networks(): Record<string, string> {
    const networks: Record<string, string> = {};
    for (const { from, to, value } of this.segments) {
      for (let at = from; at <= to;) {
        let bits = 32;
        while (bits > 0 && at % sizeOf(bits - 1) === 0 && at + sizeOf(bits - 1) - 1 <= to) bits--;
        networks[`${textOf(at)}/${bits}`] = value;
        at += sizeOf(bits);
      }
    }
    return networks;
  }
}

/** Null: it is not two addresses of IPv4 in their order. */
export function rangeOf(text: string): Range | null {
  const match = /^([0-9.]+)-([0-9.]+)$/.exec(text);
  if (match === null) return null;
  const [from, to] = [numberOf(match[1]), numberOf(match[2])];
  return from === null || to === null || from > to ? null : { from, to };
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}

function numberOf(text: string): number | null {
  const bytes = text.split('.');
  if (bytes.length !== 4 || bytes.some((byte) => !/^[0-9]{1,3}$/.test(byte) || Number(byte) > 255)) return null;
  return bytes.reduce((number, byte) => number * 256 + Number(byte), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** What nodes say to each other of connections that the kernel forwards: bounded, whatever they have. */
import { type Address, parseEnd, parseIPv4, parseIPv6 } from '../../base/address.ts';

/** A client, address and port, and its way (`formatWay`); null: it is none any more. */
export type FlowWord = readonly [client: string, way: string | null];

/** A server, and with `snat` the port that it sees, if that is not the client's own: the client is an exception then, whatever its bucket. */
export function formatWay(server: string, via: number | null): string {
  return via === null ? server : `${server} ${via}`;
}

/** Null: it is none. */
export function wayIn(text: string): { readonly server: Address; readonly via: number | null } | null {
  const [end, port, ...more] = text.split(' ');
  const server = parseEnd(end);
  if (server === null || more.length > 0) return null;
  if (port === undefined) return { server, via: null };
  return /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535 ? { server, via: Number(port) } : null;
}

export interface KeptMessage {
  readonly type: 'kept';
  /** Address and port. */
  readonly service: string;
  readonly epoch: number;
  readonly isInCharge: boolean;
  /** Of the table. */
  readonly size: number;
  readonly servers: readonly (readonly [identity: string, weight: number])[];
  /** Of all its buckets: the table that is computed of the servers has to be the same. */
  readonly digest: number;
}

/** After `kept`: all, and then what changes. */
export interface ExceptionsMessage {
  readonly type: 'exceptions';
  readonly service: string;
  readonly flows: readonly FlowWord[];
}

/** In one message. */
export const FLOWS_TOLD_MAX = 1_500;
export const KEPT_SERVERS_MAX = 2_000;
const SIZE_MAX = 65_537;

type Unchecked = Readonly<Record<string, unknown>>;

export function isKeptMessage({ service, epoch, isInCharge, size, servers, digest }: Unchecked): boolean {
  return (
    isEnd(service) &&
    isCount(epoch) &&
    typeof isInCharge === 'boolean' &&
    isCount(size) &&
    size <= SIZE_MAX &&
    Number.isSafeInteger(digest) &&
    Array.isArray(servers) &&
    servers.length <= KEPT_SERVERS_MAX &&
    servers.every((one: unknown) => Array.isArray(one) && isEnd(one[0]) && isCount(one[1]) && one[1] > 0) &&
    new Set(servers.map(([identity]: [string]) => identity)).size === servers.length
  );
}

export function isExceptionsMessage({ service, flows }: Unchecked): boolean {
  return (
    isEnd(service) &&
    Array.isArray(flows) &&
    flows.length <= FLOWS_TOLD_MAX &&
    flows.every((one: unknown) => Array.isArray(one) && isClient(one[0]) && (one[1] === null || isWay(one[1])))
  );
}

function isEnd(value: unknown): value is string {
  return typeof value === 'string' && parseEnd(value) !== null;
}

function isWay(value: unknown): boolean {
  return typeof value === 'string' && wayIn(value) !== null;
}

function isClient(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const [, host, port] = /^([0-9a-f:.]{2,45}) ([0-9]{1,5})$/.exec(value) ?? [];
  return host !== undefined && (parseIPv4(host) ?? parseIPv6(host)) !== null && Number(port) <= 65_535;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

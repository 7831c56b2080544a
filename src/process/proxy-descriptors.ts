/** Takes over, in a proxy process, what keeper/proxies/proxy-arguments.ts says that it inherits, and what keeper/proxies/delivery.ts says that it is sent. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { Board } from '../base/board.ts';
import { LearnedTable } from '../base/learned-table.ts';
import { LimitTable } from '../base/limit-table.ts';
import { TlsSessionTable } from '../base/tls-session-table.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { LimitCounting } from '../core/limit/route-limits.ts';
import { receiveDescriptors } from '../io/linux/descriptor-channel.ts';
import { openSharedMemory } from '../io/linux/shared-memory.ts';
import {
  countsLimits,
  type Delivery,
  keepsSessions,
  learnsSessions,
  planOf,
  type SocketName,
} from '../keeper/proxies/delivery.ts';
import { parseSecrets } from '../keeper/proxies/secrets.ts';
import { LinuxSessionChannel } from '../io/linux/session-channel.ts';
import type { SessionChannel } from '../port/session-channel.ts';
import type { Secrets } from '../port/tls.ts';
import {
  DESCRIPTOR_CHANNEL,
  FIRST_ROW_DESCRIPTOR,
  type ProxyArguments,
  TABLE_DESCRIPTOR,
} from '../keeper/proxies/proxy-arguments.ts';

/** Of the board, this process can write its own row. */
export function openBoard({ row, rows }: ProxyArguments): Board {
  const table = take(TABLE_DESCRIPTOR, 'read');
  const mappings = Array.from({ length: rows }, (_, i) => take(FIRST_ROW_DESCRIPTOR + i, i === row ? 'write' : 'read'));
  return Board.open({ table, rows: mappings });
}

/** A mapping needs its descriptor no longer. */
function take(descriptor: number, access: 'read' | 'write'): ArrayBuffer {
  const buffer = openSharedMemory(descriptor, access);
  closeSync(descriptor);
  return buffer;
}

/** The numbers of the listening sockets that this process has. */
let known: ReadonlySet<number> = new Set();

export interface Received {
  readonly plan: Plan;
  /** Until `forgetSecrets` is called. */
  readonly secrets: Secrets;
  readonly forgetSecrets: () => void;
  /** It is not applied: what was there before is there. */
  readonly drop: () => void;
  readonly sockets: readonly (SocketName & { readonly descriptor: number })[];
  /** Of each access log. */
  readonly logs: readonly number[];
}

/** The plan whose `count` descriptors are there. `place`: that of this process. Null: this process can have no more descriptors. */
export function receiveDelivery(count: number, { row, rows }: ProxyArguments): Received | null {
  const descriptors = receiveDescriptors(DESCRIPTOR_CHANNEL, count);
  if (descriptors === null) return null;
  const [file, routes, secretFile, ...rest] = descriptors;
  const delivery = JSON.parse(readWhole(file).toString()) as Delivery;
  const plan = planOf(delivery, readWhole(routes).toString('latin1'));
  const { sockets } = delivery;
  const logs = rest.slice(0, plan.accessLogs.length);
  const others = rest.slice(logs.length);
  const listening = [...others];
  if (keepsSessions(plan)) takeSessions(listening.shift()!);
  if (countsLimits(plan)) takeLimits(listening.shift()!, row, rows);
  if (learnsSessions(plan)) takeLearned(listening.shift()!);
  closeSync(file);
  closeSync(routes);
  const bytes = readWhole(secretFile);
  closeSync(secretFile);
  // A second descriptor of a socket would keep it open when the first one is closed.
  for (const [i, { id }] of sockets.entries()) if (known.has(id)) closeSync(listening[i]);
  const received = sockets.map(({ listener, id }, i) => {
    return { listener, id, descriptor: known.has(id) ? -1 : listening[i] };
  });
  const former = known;
  known = new Set(sockets.map(({ id }) => id));
  const forgetSecrets = (): void => void bytes.fill(0);
  const drop = (): void => {
    forgetSecrets();
    for (const descriptor of logs) closeSync(descriptor);
    for (const { descriptor } of received) if (descriptor >= 0) closeSync(descriptor);
    known = former;
  };
  return { plan, secrets: parseSecrets(bytes), forgetSecrets, drop, sockets: received, logs };
}

/** `count` channels on which sessions of UDP change hands. None: this process can have no more descriptors. */
export function receiveSessionChannels(count: number): readonly SessionChannel[] {
  const descriptors = receiveDescriptors(DESCRIPTOR_CHANNEL, count) ?? [];
  return descriptors.map((descriptor) => new LinuxSessionChannel(descriptor));
}

let sessions: TlsSessionTable | null = null;

/** The table of TLS sessions. Null: no plan has needed it yet. */
export function sessionTable(): TlsSessionTable | null {
  return sessions;
}

/** The keeper has one, and sends it again and again. */
function takeSessions(descriptor: number): void {
  if (sessions === null) sessions = new TlsSessionTable(take(descriptor, 'write'));
  else closeSync(descriptor);
}

let limits: LimitCounting | null = null;

/** What limits count with. Null: no plan has needed it yet. */
export function limitCounting(): LimitCounting | null {
  return limits;
}

function takeLimits(descriptor: number, row: number, rows: number): void {
  if (limits !== null) return closeSync(descriptor);
  limits = { table: new LimitTable(take(descriptor, 'write'), rows), row };
  limits.table.join(row);
}

let learned: LearnedTable | null = null;

/** Where sessions of applications are. Null: no plan has needed it yet. */
export function learnedTable(): LearnedTable | null {
  return learned;
}

function takeLearned(descriptor: number): void {
  if (learned === null) learned = new LearnedTable(take(descriptor, 'write'));
  else closeSync(descriptor);
}

function readWhole(file: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(fstatSync(file).size);
  // With positions: the file's own position is shared with the keeper.
  for (let at = 0; at < bytes.length;) {
    const count = readSync(file, bytes, at, bytes.length - at, at);
    if (count === 0) throw new Error('the plan is cut short');
    at += count;
  }
  return bytes;
}

/**
 * Servers of a service: what the SRV records of its name say (RFC 2782), with the addresses of the machines that they name. Records
 * that come first, by priority, are servers; the others are backups.
 *
 * A machine whose name cannot be asked for keeps the addresses that it had in the last answer, so that a name server with a fault takes nobody out.
 */
import dns, { type SrvRecord } from 'node:dns';
import type { ResolverPlan } from '../../config/plan/upstream.ts';
import type { ServiceRecord } from '../../core/health/addresses.ts';
import { ADDRESSES_PER_SERVICE_MAX } from '../../base/limits.ts';
import { askName } from './lookups.ts';
import { askSystem, type NameAnswer, type NamedAddress } from './names.ts';

/** What is asked: for the records of a service, and for the addresses of a machine. */
export interface ServiceQuestions {
  readonly records: (name: string) => Promise<readonly SrvRecord[]>;
  readonly host: (hostname: string) => Promise<NameAnswer>;
  /** Machines that are asked for at the same time. */
  readonly atOnce: number;
}

/** What a server's weight is at most. */
const WEIGHT_MAX = 256;
/** There is no such machine, or it has no address: that is an answer, too. */
const ABSENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

export async function askHost(hostname: string, resolver: ResolverPlan | null): Promise<NameAnswer> {
  return await (resolver === null ? askSystem(hostname) : askName(hostname, resolver));
}

/** `name`: for example `_http._tcp.example.net`. `last`: the answer before. Rejects if nothing leads anywhere. */
export async function askService(
  name: string,
  resolver: ResolverPlan | null,
  last: NameAnswer | null,
): Promise<NameAnswer> {
  const asking = new dns.promises.Resolver({ timeout: 2000, tries: 3 });
  const servers = resolver?.servers ?? [];
  if (servers.length > 0) asking.setServers([...servers]);
  const questions: ServiceQuestions = {
    records: (text) => asking.resolveSrv(text),
    host: (hostname) => askHost(hostname, resolver),
    // the system's resolver blocks a thread for each
    atOnce: servers.length > 0 ? ADDRESSES_PER_SERVICE_MAX : 1,
  };
  return await findService(name, questions, last);
}

export async function findService(
  name: string,
  questions: ServiceQuestions,
  last: NameAnswer | null,
): Promise<NameAnswer> {
  const all = await questions.records(name);
  // a dot alone says that there is no such service here
  const records = all.filter((record) => record.name !== '' && record.name !== '.');
  records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
  const used = records.slice(0, ADDRESSES_PER_SERVICE_MAX);
  const machines = await addressesOf([...new Set(used.map((record) => record.name.toLowerCase()))], questions, last);
  const heaviest = used.reduce((most, { weight }) => Math.max(most, weight), 0);
  const found = new Map<string, NamedAddress & { readonly record: ServiceRecord }>();
  for (const { name: written, port, priority, weight } of used) {
    const machine = written.toLowerCase();
    const isBackup = priority > used[0].priority;
    const share = heaviest > WEIGHT_MAX ? Math.round((weight * WEIGHT_MAX) / heaviest) : weight;
    for (const { family, host } of machines.get(machine) ?? []) {
      const key = `${host} ${port}`;
      const before = found.get(key)?.record;
      if (before !== undefined && before.isBackup !== isBackup) continue;
      const sum = Math.min(WEIGHT_MAX, Math.max(1, share) + (before?.weight ?? 0));
      found.set(key, { family, host, port, machine, record: { weight: sum, isBackup } });
    }
  }
  if (found.size === 0)
    throw new Error(
      used.length === 0 ? 'there is no server of this service' : 'no machine of this service has an address',
    );
  // Node does not tell how long the records count
  return { addresses: [...found.values()], ttlMs: null };
}

/** By lower-case name. A machine without an address is not in it. */
async function addressesOf(
  names: readonly string[],
  { host, atOnce }: ServiceQuestions,
  last: NameAnswer | null,
): Promise<ReadonlyMap<string, NameAnswer['addresses']>> {
  const found = new Map<string, NameAnswer['addresses']>();
  const ask = async (machine: string): Promise<void> => {
    try {
      found.set(machine, (await host(machine)).addresses);
    } catch (error) {
      if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return;
      const known = last?.addresses.filter((address) => address.machine === machine) ?? [];
      // one of several ports is there several times
      found.set(machine, [...new Map(known.map((address) => [address.host, address])).values()]);
    }
  };
  for (let i = 0; i < names.length; i += atOnce) await Promise.all(names.slice(i, i + atOnce).map(ask));
  return found;
}

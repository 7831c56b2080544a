/**
 * Servers that are keys in etcd, each with the same beginning: a service registers itself by writing one, with a lease of its own if it
 * shall go when the service does. Over the JSON gateway of etcd 3.4 and later (its api `etcdserverpb.KV.Range` and `Watch.Watch`).
 */
import * as z from 'zod';
import { ENTRIES_MAX, type Heard, NoList, parseSaid, type Query, type WatchedList } from './watched-list.ts';

/** 64-bit numbers are texts, and bytes are base64. What is missing is empty. */
const Revision = z.string().regex(/^\d{1,19}$/);
const KeyValue = z.object({ key: z.string(), value: z.string().default(''), mod_revision: Revision });
const Header = z.object({ revision: Revision });
const RangeAnswer = z.object({ header: Header, kvs: z.array(KeyValue).default([]), more: z.boolean().default(false) });
const WatchLine = z.union([
  z.object({
    result: z.object({
      canceled: z.boolean().default(false),
      cancel_reason: z.string().default('without a reason'),
      compact_revision: z.string().default('0'),
      events: z.array(z.object({ type: z.string().default('PUT'), kv: KeyValue })).default([]),
    }),
  }),
  z.object({ error: z.object({ message: z.string() }) }),
]);

/** Of a key and its value together: a server is said in far less. */
const ENTRY_CHARACTERS_MAX = 4096;
const KEY_CHARACTERS_TOLD = 200;

export class EtcdKeys implements WatchedList {
  private readonly prefix: string;
  /** By key: what it says. */
  private values = new Map<string, string>();
  /** Of the store: what is known is as of then. */
  private revision = 0n;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  all(): Query {
    return { path: '/v3/kv/range', body: JSON.stringify({ ...this.range(), limit: String(ENTRIES_MAX) }) };
  }

  handleAll(text: string): boolean {
    const { header, kvs, more } = parseSaid(RangeAnswer, text, 'etcd');
    if (more) throw new NoList(tooMany(this.prefix));
    this.revision = BigInt(header.revision);
    this.values = new Map(kvs.map(entryOf));
    return true;
  }

  changes(): Query {
    const start_revision = String(this.revision + 1n);
    return {
      path: '/v3/watch',
      body: JSON.stringify({ create_request: { ...this.range(), start_revision, progress_notify: true } }),
    };
  }

  handleLine(line: string): Heard {
    const said = parseSaid(WatchLine, line, 'etcd');
    if ('error' in said) throw new NoList(`etcd says: ${said.error.message}`);
    const { canceled, cancel_reason: reason, compact_revision: compacted, events } = said.result;
    if (compacted !== '0') return 'outdated';
    if (canceled) throw new NoList(`etcd has ended the watch: ${reason}`);
    for (const { kv, type } of events) {
      if (type === 'DELETE') this.values.delete(textOf(kv.key));
      else this.values.set(...entryOf(kv));
      // how far the store is, as the line's head has it, may be further than what was told
      this.revision = BigInt(kv.mod_revision);
    }
    if (this.values.size > ENTRIES_MAX) throw new NoList(tooMany(this.prefix));
    return events.length === 0 ? 'same' : 'changed';
  }

  forget(): void {
    // an answer is all of it
  }

  /** A value is an address, or a map as a list has it. Sorted by key, so that the same keys are always the same list. */
  list(): string {
    return JSON.stringify(this.keys.map((key) => serverOf(key, this.values.get(key)!)));
  }

  nameOf(index: number): string {
    return `key ${this.keys[index].slice(0, KEY_CHARACTERS_TOLD)}`;
  }

  private get keys(): readonly string[] {
    return [...this.values.keys()].toSorted();
  }

  private range(): { readonly key: string; readonly range_end: string } {
    const key = Buffer.from(this.prefix, 'utf8');
    const end = Buffer.from(key);
    // the first key that does not begin so: no byte of UTF-8 is 0xff
    end[end.length - 1]++;
    return { key: key.toString('base64'), range_end: end.toString('base64') };
  }
}

function serverOf(key: string, value: string): unknown {
  const text = value.trim();
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new NoList(`the value of ${key} is no JSON`);
  }
}

/** Without an end to each of them a store that says one after the other could fill the memory. */
function entryOf({ key: writtenKey, value }: z.infer<typeof KeyValue>): readonly [key: string, value: string] {
  const key = textOf(writtenKey);
  if (writtenKey.length + value.length <= ENTRY_CHARACTERS_MAX) return [key, textOf(value)];
  throw new NoList(`what ${key.slice(0, KEY_CHARACTERS_TOLD)} says is too long for a server`);
}

function textOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function tooMany(prefix: string): string {
  return `more than ${ENTRIES_MAX} keys begin with ${prefix}`;
}

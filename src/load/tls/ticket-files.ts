/** What keys for session tickets are made of, or the keys themselves, read from their files. */
import { systemReason } from '../../base/system-error.ts';
import { type Problem, problem } from '../../config/findings/diagnostic.ts';
import type { TicketSource } from '../../port/tls.ts';
import { openMode, readRegularFile } from '../regular-file.ts';

export interface TicketFiles {
  readonly kind: TicketSource['kind'];
  /** The first one is for new sessions. */
  readonly files: readonly string[];
}

export interface ReadTickets {
  /** Null: they cannot be used. */
  readonly source: TicketSource | null;
  /** Warnings too. Each with the index of its file. */
  readonly problems: readonly (Problem & { readonly file: number })[];
}

const SECRET_BYTES_MIN = 32;
const SECRET_BYTES_MAX = 4096;
/** Those of nginx. */
const KEY_BYTES: ReadonlySet<number> = new Set([48, 80]);

/** The identifier of what these files have: it stays when they are replaced. */
export function ticketIdOf({ kind, files }: TicketFiles): string {
  return JSON.stringify([kind, ...files]);
}

export function readTickets(wanted: TicketFiles): ReadTickets {
  const { kind, files } = wanted;
  const problems: (Problem & { readonly file: number })[] = [];
  const found = files.flatMap((path, file): Uint8Array[] => {
    const refuse = (reason: string, fix: string): [] => {
      problems.push({ ...problem('bad-ticket-file', { path, reason, fix }), file });
      return [];
    };
    try {
      const { bytes, mode } = readRegularFile(path, SECRET_BYTES_MAX);
      const open = openMode(mode);
      if (open !== null) problems.push({ ...problem('open-ticket-file', { path, mode: open }), file });
      if (kind === 'keys' && !KEY_BYTES.has(bytes.length)) {
        return refuse(`it has ${bytes.length} bytes, and a key has 80 or 48`, `make one: openssl rand -out ${path} 80`);
      }
      if (bytes.length < SECRET_BYTES_MIN) {
        const fix = `make one: openssl rand -out ${path} ${SECRET_BYTES_MIN}`;
        return refuse(`it has ${bytes.length} bytes, of at least ${SECRET_BYTES_MIN}`, fix);
      }
      return [Uint8Array.from(bytes)];
    } catch (error) {
      return refuse(systemReason(error), 'correct the path');
    }
  });
  const source = found.length < files.length ? null : { id: ticketIdOf(wanted), kind, bytes: found };
  return { source, problems };
}

/**
 * Who may ask over TCP: tokens by name, of which the file in the state directory has hashes alone. A token is 256 random bits, so that
 * its SHA-256 tells nobody what it is: slow hashes are for what people think up.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../private-file.ts';

export type TokenRight = 'read' | 'full';

export interface TokenRecord {
  readonly name: string;
  /** `read`: to see, the configuration too. `full`: to change things as well. */
  readonly right: TokenRight;
  /** In hexadecimal. */
  readonly sha256: string;
}

export const TOKENS_MAX = 100;
/** So that whoever finds one knows what it is of. */
const PREFIX = 'ek_';
const TOKEN_BYTES = 32;
const NAME = /^[A-Za-z0-9_.-]{1,40}$/;

export class TokenFile {
  readonly path: string;

  /** `directory`: where evenkeel keeps its state. */
  constructor(directory: string) {
    this.path = join(directory, 'admin', 'tokens.json');
  }

  /** Throws the reason if the file is there and cannot be read, or is not what evenkeel writes. */
  read(): readonly TokenRecord[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const { tokens } = JSON.parse(text) as { readonly tokens?: unknown };
    if (!Array.isArray(tokens) || !tokens.every(isRecord)) throw new Error('it is not what evenkeel writes');
    return tokens;
  }

  /** Returns the token, which nobody can find out later. Throws the reason. */
  add(name: string, right: TokenRight): string {
    const known = this.read();
    if (!NAME.test(name)) throw new Error('a name has at most 40 letters, digits, and `_`, `.` or `-`');
    if (known.some((each) => each.name === name)) throw new Error(`there is a token ${name} already`);
    if (known.length >= TOKENS_MAX) throw new Error(`there are ${TOKENS_MAX} tokens already`);
    const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
    this.write([...known, { name, right, sha256: hashOf(token).toString('hex') }]);
    return token;
  }

  /** Throws the reason. */
  remove(name: string): void {
    const known = this.read();
    const left = known.filter((each) => each.name !== name);
    if (left.length === known.length) throw new Error(`there is no token ${name}`);
    this.write(left);
  }

  private write(tokens: readonly TokenRecord[]): void {
    writePrivateFile(this.path, `${JSON.stringify({ tokens }, null, 2)}\n`);
  }
}

/** Whose token it is; null: nobody's. Takes as long whichever it is, and whether it is one. */
export function findToken(records: readonly TokenRecord[], token: string): TokenRecord | null {
  const hash = hashOf(token);
  let found: TokenRecord | null = null;
  for (const record of records) {
    if (timingSafeEqual(hash, Buffer.from(record.sha256, 'hex'))) found = record;
  }
  return found;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isRecord(value: unknown): value is TokenRecord {
  const { name, right, sha256 } = (value ?? {}) as Partial<Record<keyof TokenRecord, unknown>>;
  const isNamed = typeof name === 'string' && NAME.test(name);
  return (
    isNamed && (right === 'read' || right === 'full') && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
  );
}

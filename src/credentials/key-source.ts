/**
 * The keys of a token's issuer. Those that are read at a URL are read again now and then, and when a token names one that is not among them, which anybody can
 * write: at a bounded rate. What was read last and was good stays until something else is.
 */
import { systemReason } from '../base/system-error.ts';
import type { KeySet } from './key-set.ts';

export interface KeySource {
  /** Null: there are none yet. `id`: which one is wanted; null: any. Resolves when it is known whether there is one. */
  keysFor(id: string | null): Promise<KeySet | null>;
}

export interface RemoteOptions {
  /** Rejects with a reason for people. Takes no longer than it should. */
  readonly read: () => Promise<KeySet>;
  /** In milliseconds. */
  readonly now: () => number;
  /** They cannot be read; what there was stays. */
  readonly onFailure: (reason: string) => void;
  /** They could not be read before, and can be now. */
  readonly onRecovery: () => void;
}

/** Behind a reading that was good; and behind any, whatever is wanted. */
const FRESH_MS = 600_000;
const GAP_MS = 10_000;

/** Of a file: another text is another source. */
export class FixedKeys implements KeySource {
  private readonly keys: KeySet | null;

  /** Null: its file is no key set, by which nobody enters. */
  constructor(keys: KeySet | null) {
    this.keys = keys;
  }

  keysFor(): Promise<KeySet | null> {
    return Promise.resolve(this.keys);
  }
}

export class RemoteKeys implements KeySource {
  private readonly options: RemoteOptions;
  private keys: KeySet | null = null;
  private goodAt = -Infinity;
  private askedAt = -Infinity;
  private reading: Promise<void> | null = null;
  private isFailing = false;

  constructor(options: RemoteOptions) {
    this.options = options;
  }

  async keysFor(id: string | null): Promise<KeySet | null> {
    const isKnown =
      this.keys !== null && (id === null || this.keys.keys.some((key) => key.id === null || key.id === id));
    const now = this.options.now();
    const isFresh = isKnown && now - this.goodAt < FRESH_MS;
    if (!isFresh && this.reading === null && now - this.askedAt >= GAP_MS) this.reading = this.readNow();
    // who has what he needs waits for nobody
    if (!isKnown && this.reading !== null) await this.reading;
    return this.keys;
  }

  private async readNow(): Promise<void> {
    const { now, onFailure, onRecovery, read } = this.options;
    this.askedAt = now();
    try {
      this.keys = await read();
      this.goodAt = now();
      if (this.isFailing) onRecovery();
      this.isFailing = false;
    } catch (error) {
      this.isFailing = true;
      onFailure(systemReason(error));
    } finally {
      this.reading = null;
    }
  }
}

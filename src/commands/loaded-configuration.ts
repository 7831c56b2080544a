/** Which configuration runs, and whether its file still says the same: for who compares two nodes, or has edited one. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigurationView } from '../keeper/status.ts';
import type { Ready } from './prepare.ts';

/** A configuration and the text it was made of. */
export interface Loaded {
  readonly ready: Ready;
  readonly text: string;
}

/** Enough to tell texts apart at a glance. */
const DIGEST_CHARACTERS = 12;

export class LoadedConfiguration {
  private readonly file: string | null;
  private digest: string;

  /** `file` as it was given; `-` is standard input. */
  constructor(file: string, text: string) {
    this.file = file === '-' ? null : resolve(file);
    this.digest = digestOf(text);
  }

  /** Another text of the same file is in force. */
  replace(text: string): void {
    this.digest = digestOf(text);
  }

  view(): ConfigurationView {
    const { file, digest } = this;
    return { file, digest, isChanged: file === null ? false : this.isChanged(file) };
  }

  private isChanged(file: string): boolean | null {
    try {
      return digestOf(new TextDecoder().decode(readFileSync(file))) !== this.digest;
    } catch {
      return null;
    }
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARACTERS);
}

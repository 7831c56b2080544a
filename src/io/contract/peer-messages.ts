/** What `loopback.ts` and `peer-worker.ts` say to each other. */
import type { MessagePort } from 'node:worker_threads';

/** PEM. */
export interface SecurePeers {
  readonly certificate: string;
  readonly key: string;
}

export interface PeerWorkerData {
  readonly port: MessagePort;
  readonly secure: SecurePeers | null;
}

export type PeerCommand =
  | { command: 'listen'; id: number; host: string; path: string | null; paused: boolean }
  | { command: 'connect'; id: number; host: string; port: number; path: string | null; paused: boolean }
  | { command: 'write'; id: number; bytes: Uint8Array; sizes: readonly number[] }
  | { command: 'end' | 'reset' | 'pause' | 'resume'; id: number }
  /** From now on a byte goes there after every batch of events. */
  | { command: 'wake'; path: string }
  | { command: 'reset-all' | 'exit' };

export type PeerEvent =
  | { event: 'listening'; id: number; port: number }
  | { event: 'connection'; id: number; listener: number; localPort: number; remoteHost: string }
  | { event: 'connect'; id: number; localPort: number }
  | { event: 'data'; id: number; bytes: Uint8Array }
  | { event: 'written'; id: number; count: number }
  | { event: 'end' | 'close'; id: number }
  | { event: 'error'; id: number; code: string };

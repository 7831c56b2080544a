/** Clients that only make handshakes: TLS 1.3, each of them whole, and each connection is closed behind it. */
import { constants, setPriority } from 'node:os';
import tls from 'node:tls';

/** How they come: at a steady pace, ten times a second all that are due, or as fast as they are served, so many at a time. */
export type CrowdKind = 'steady' | 'bursts' | 'flood';

export interface CrowdReport {
  readonly done: number;
  readonly failed: number;
  /** Of a handshake, from connecting on, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const [kind, portText, rateText] = process.argv.slice(2) as [CrowdKind, string, string];
const port = Number(portText);
const rate = Number(rateText);
const PACE_MS = { steady: 5, bursts: 100, flood: 0 }[kind];
const FLOOD = 64;
/** A crowd that falls behind, where the machine has no more, does not make up for it. */
const AT_A_TIME_MAX = 256;

// who measures is on the same core, and must not wait for the crowd
setPriority(constants.priority.PRIORITY_LOW);

const took: number[] = [];
let failed = 0;
let current = 0;

function shakeHands(): void {
  const began = performance.now();
  current++;
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, () => {
    took.push(performance.now() - began);
    socket.destroy();
  });
  let hasFailed = false;
  socket.on('error', () => (hasFailed = true));
  socket.on('close', () => {
    current--;
    if (hasFailed) failed++;
    if (kind === 'flood') shakeHands();
  });
}

if (kind === 'flood') for (let i = 0; i < FLOOD; i++) shakeHands();
else {
  const began = performance.now();
  let begun = 0;
  setInterval(() => {
    const due = ((performance.now() - began) / 1000) * rate;
    for (; begun < due; begun++) if (current < AT_A_TIME_MAX) shakeHands();
  }, PACE_MS);
}

process.on('message', () => {
  const sorted = took.splice(0).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  process.send?.({ done: sorted.length, failed, p50: at(0.5), p99: at(0.99) } satisfies CrowdReport);
});
process.on('disconnect', () => process.exit());

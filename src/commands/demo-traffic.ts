/** Gentle traffic for the demo, through evenkeel like anybody's: what came back, how fast, and whether anything failed. */
import http from 'node:http';
import net from 'node:net';

/** One HTTP request every 15 ms, one TCP conversation every half second. */
const REQUEST_INTERVAL_MS = 15;
const CONVERSATION_INTERVAL_MS = 500;
const CONNECTIONS = 8;
/** Requests of which the percentiles are. */
const LATENCIES = 1000;
const TIMEOUT_MS = 10_000;

export class DemoTraffic {
  requests = 0;
  conversations = 0;
  failed = 0;
  private readonly latenciesMs: number[] = [];
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  private readonly httpPort: number;
  private readonly tcpPort: number;
  private readonly onFailure: (what: string) => void;
  private readonly timers: NodeJS.Timeout[] = [];
  private underway = 0;
  private resolveIdle: (() => void) | null = null;

  constructor(httpPort: number, tcpPort: number, onFailure: (what: string) => void) {
    this.httpPort = httpPort;
    this.tcpPort = tcpPort;
    this.onFailure = onFailure;
  }

  start(): void {
    this.timers.push(setInterval(() => this.request(), REQUEST_INTERVAL_MS));
    this.timers.push(setInterval(() => this.converse(), CONVERSATION_INTERVAL_MS));
  }

  /** Resolves when the last answer is here. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    if (this.underway > 0) {
      await new Promise<void>((resolve) => {
        this.resolveIdle = resolve;
      });
    }
    this.agent.destroy();
  }

  /** Of the last requests: share is 0..1. */
  percentileMs(share: number): number {
    const sorted = this.latenciesMs.toSorted((a, b) => a - b);
    return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  }

  private request(): void {
    if (this.underway >= 4 * CONNECTIONS) return;
    const end = this.begin();
    const startedAt = performance.now();
    const options = { host: '127.0.0.1', port: this.httpPort, agent: this.agent, timeout: TIMEOUT_MS };
    const request = http.get(options, (response) => {
      response.resume();
      response.on('end', () => {
        this.requests++;
        this.latenciesMs.push(performance.now() - startedAt);
        if (this.latenciesMs.length > LATENCIES) this.latenciesMs.shift();
        end(response.statusCode === 200 ? null : `request answered with ${response.statusCode}`);
      });
      response.on('error', (error) => end(`response broke: ${error.message}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (error) => end(`request failed: ${error.message}`));
  }

  /** Says one line and waits for its echo. */
  private converse(): void {
    const end = this.begin();
    const line = `${this.conversations} is the number of this line\n`;
    let heard = '';
    const socket = net.connect(this.tcpPort, '127.0.0.1', () => socket.write(line));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no echo in time')));
    socket.on('data', (data: Buffer) => {
      heard += data.toString();
      if (!heard.endsWith(line)) return;
      this.conversations++;
      socket.end();
      end(null);
    });
    socket.on('error', (error) => end(`TCP: ${error.message}`));
    socket.on('close', () => end('TCP: closed without the echo'));
  }

  /** The returned function ends it, once, with what failed or null. */
  private begin(): (failure: string | null) => void {
    this.underway++;
    let isEnded = false;
    return (failure) => {
      if (isEnded) return;
      isEnded = true;
      if (failure !== null) {
        this.failed++;
        this.onFailure(failure);
      }
      if (--this.underway === 0) this.resolveIdle?.();
    };
  }
}

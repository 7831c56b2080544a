/** A thread that scrapes once in each interval until it is told to stop. Answers with what it has seen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

export interface Scrape {
  readonly series: number;
  readonly tookMs: number;
}

const { url, intervalMs } = workerData as { readonly url: string; readonly intervalMs: number };

async function scrape(): Promise<Scrape> {
  const began = performance.now();
  const answer = await fetch(url);
  const text = await answer.text();
  return { series: text.match(/^evenkeel_/gm)?.length ?? 0, tookMs: performance.now() - began };
}

const scrapes: Scrape[] = [];
const stop = new AbortController();
parentPort!.once('message', () => stop.abort());
while (!stop.signal.aborted) {
  const one = await scrape();
  scrapes.push(one);
  await sleep(Math.max(0, intervalMs - one.tookMs));
}
parentPort!.postMessage(scrapes, []);

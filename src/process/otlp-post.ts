/** One request to a collector, over a connection of its own. It never throws, and is over in a bounded time. */
import { systemReason } from '../base/system-error.ts';
import { askHttp } from '../keeper/http-question.ts';

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** As much as is of interest. */
  readonly body: string;
  /** What is wrong, where the status is no success. */
  readonly why: string;
}

/** As OpenTelemetry has it. */
const TIMEOUT_MS = 10_000;
const BODY_CHARACTERS_MAX = 64 * 1024;

export async function post(endpoint: string, body: string): Promise<Answer> {
  try {
    const { headers, status, text } = await askHttp({
      url: endpoint,
      body,
      headers: { 'content-type': 'application/json' },
      charactersMax: BODY_CHARACTERS_MAX,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status, retryAfter: headers['retry-after'], body: text, why: `it answers ${status}` };
  } catch (error) {
    return { status: 0, retryAfter: undefined, body: '', why: systemReason(error) };
  }
}

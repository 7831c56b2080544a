/**
 * Node's own HTTP parser, llhttp, in its strict mode, for comparison. Node exports it only internally and may change it
 * at any time: `hasLlhttp` tells whether it is there as we know it.
 */
import { createRequire } from 'node:module';

/** What one message is to llhttp. */
export interface LlhttpMessage {
  /** The head was accepted. */
  hasHead: boolean;
  version: number;
  method: string;
  url: string;
  status: number;
  fields: [name: string, value: string][];
  isUpgrade: boolean;
  body: string;
  isComplete: boolean;
  /** The code of the error before the message was complete, or ''. */
  error: string;
}

type Callback = (...args: never[]) => unknown;

interface Parser {
  [callback: number]: Callback;
  initialize(type: number, resource: object, headBytesMax: number, lenient: number): void;
  execute(bytes: Uint8Array): number | (Error & { code: string });
  finish(): Error | undefined;
  close(): void;
}

interface Llhttp {
  readonly HTTPParser: {
    new (): Parser;
    readonly REQUEST: number;
    readonly RESPONSE: number;
    readonly kOnHeadersComplete: number;
    readonly kOnBody: number;
    readonly kOnMessageComplete: number;
    readonly kLenientNone: number;
  };
  readonly methods: readonly string[];
}

function load(): Llhttp | null {
  try {
    const llhttp = createRequire(import.meta.url)('_http_common') as Llhttp;
    return typeof llhttp.HTTPParser.kLenientNone === 'number' ? llhttp : null;
  } catch {
    return null;
  }
}

const llhttp = load();
export const hasLlhttp = llhttp !== null;

/** Parses the first message in `text`. A response is one to GET. */
export function llhttpParse(type: 'request' | 'response', text: string): LlhttpMessage {
  if (llhttp === null) throw new Error('no llhttp');
  const { HTTPParser, methods } = llhttp;
  const message: LlhttpMessage = {
    hasHead: false,
    version: 0,
    method: '',
    url: '',
    status: 0,
    fields: [],
    isUpgrade: false,
    body: '',
    isComplete: false,
    error: '',
  };
  const parser = new HTTPParser();
  parser.initialize(type === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 65536, HTTPParser.kLenientNone);
  parser[HTTPParser.kOnHeadersComplete] = (
    major: number,
    minor: number,
    fields: string[],
    method: number,
    url: string,
    status: number,
    _reason: string,
    isUpgrade: boolean,
  ): number => {
    if (message.hasHead) return 0;
    message.hasHead = true;
    message.version = major * 10 + minor;
    for (let i = 0; i < fields.length; i += 2) message.fields.push([fields[i], fields[i + 1]]);
    message.method = methods[method] ?? '';
    message.url = url ?? '';
    message.status = status;
    message.isUpgrade = isUpgrade;
    return 0;
  };
  parser[HTTPParser.kOnBody] = (bytes: Uint8Array): void => {
    if (!message.isComplete) message.body += Buffer.from(bytes).toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = (): void => {
    message.isComplete = true;
  };
  const result = parser.execute(Buffer.from(text, 'latin1'));
  if (result instanceof Error && !message.isComplete) message.error = result.code;
  parser.close();
  return message;
}

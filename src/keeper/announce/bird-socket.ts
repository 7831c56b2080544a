/**
 * Questions to BIRD over its control socket. The first thing that is said is `restrict`: after that it changes nothing, whatever it is told. Nothing that
 * it answers is trusted to end, or to be short.
 */
import { connect } from 'node:net';
import { systemReason } from '../../base/system-error.ts';
import { type BirdFacts, factsOf, nextQuestion } from '../../wire/bird/questions.ts';
import { parseReply, refusalOf, type Reply, versionOf } from '../../wire/bird/replies.ts';

const PATIENCE_MS = 2_000;
/** Of all answers together. */
const CHARACTERS_MAX = 4 * 1024 * 1024;
/** A reply ends with such a line; before that there is nothing to read. */
const END = /(?:^|\n)\d{4} [^\n]*\n$/;
const END_CHARACTERS_MAX = 1_000;

interface BirdAnswers {
  readonly version: string;
  /** In the order of the questions. */
  readonly replies: readonly Reply[];
}

/** What BIRD knows of routes by these interfaces. A text: why there is no answer. */
export async function askBirdFacts(
  path: string,
  interfaces: readonly string[],
): Promise<(BirdFacts & { readonly version: string }) | string> {
  const answers = await askBird(path, (replies) => nextQuestion(interfaces, replies));
  return typeof answers === 'string' ? answers : { version: answers.version, ...factsOf(answers.replies) };
}

/** A text: why there is no answer, for people. `ask` says what else is to be asked, when the answers so far are there; null: nothing. */
function askBird(path: string, ask: (replies: readonly Reply[]) => string | null): Promise<BirdAnswers | string> {
  return new Promise((resolve) => {
    const replies: Reply[] = [];
    let text = '';
    let total = 0;
    let version: string | null = null;
    let isRestricted = false;
    const socket = connect(path);
    const end = (result: BirdAnswers | string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(`no answer within ${PATIENCE_MS / 1_000} s`), PATIENCE_MS);
    const next = (): void => {
      const question = ask(replies);
      if (question === null) end({ version: version!, replies });
      else socket.write(`${question}\n`);
    };
    const handle = (reply: Reply): void => {
      if (version === null) {
        version = versionOf(reply);
        if (version === null) return end('it does not speak as BIRD does');
        socket.write('restrict\n');
        return;
      }
      if (!isRestricted) {
        const refusal = refusalOf(reply);
        if (refusal !== null) return end(`it refuses \`restrict\`: ${refusal}`);
        isRestricted = true;
      } else replies.push(reply);
      next();
    };
    socket.setEncoding('latin1');
    socket.on('error', (error) => end(systemReason(error)));
    socket.on('close', () => end('it has closed the connection'));
    socket.on('data', (chunk: string) => {
      total += chunk.length;
      if (total > CHARACTERS_MAX) return end('its answers have no end');
      text += chunk;
      if (!END.test(text.slice(-END_CHARACTERS_MAX))) return undefined;
      for (let reply = parseReply(text); reply !== null; reply = parseReply(text)) {
        if (reply === undefined) return end('it does not speak as BIRD does');
        text = text.slice(reply.length);
        handle(reply);
        if (socket.destroyed) return undefined;
      }
      return undefined;
    });
  });
}

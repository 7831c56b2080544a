/** `evenkeel why`: a client of a running evenkeel. */
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { WhyOptions } from '../cli/why.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { askErrors, askEvents, askStatus, ControlError, failing } from './control-client.ts';
import { hasColors } from './paint.ts';
import { type Evidence, evidenceOfRequest, findEvidence, type Known, renderEvidence } from './why-view.ts';

export function whyCommand({ subject, socket, isJson }: WhyOptions): Promise<number> {
  return failing(async () => {
    const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
    const known: Known = {
      status: await askStatus(path),
      events: await askEvents(path),
      errors: await askErrors(path),
    };
    const found = findEvidence(subject, known);
    const evidence = found.length > 0 ? found : [requestOf(subject, known)];
    process.stdout.write(isJson ? `${JSON.stringify(evidence, null, 2)}\n` : renderEvidence(evidence, hasColors()));
    return evidence.every(({ isWell }) => isWell) ? EXIT_OK : EXIT_FAILED;
  });
}

function requestOf(subject: string, known: Known): Evidence {
  const request = known.errors.find(({ id }) => id === subject);
  if (request !== undefined) return evidenceOfRequest(request, known);
  throw new ControlError(
    `there is no server, upstream, listener or virtual address ${subject}, and no request of this identifier among the last ` +
      `${known.errors.length} that failed; those that served are in the access log`,
  );
}

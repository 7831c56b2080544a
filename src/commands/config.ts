/** `evenkeel config`: a client of a running evenkeel. */
import type { Answer } from '../api/operations.ts';
import type { ConfigOptions, SetWhat } from '../cli/config.ts';
import { EXIT_DIFFERS, EXIT_OK } from '../cli/exit-codes.ts';
import { frontEndFor } from '../config/front-ends.ts';
import { printDiagnostics, readConfigTexts } from '../load/config-file.ts';
import { IncludedFiles } from '../load/included-files.ts';
import { readYaml } from '../config/yaml/read.ts';
import { formatDiagnostic, diagnose } from '../config/findings/diagnostic.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { bodyOf, ControlError, exchange, failing, type Reply } from './control-client.ts';
import { userName } from './user-name.ts';

const WHOLE = '/v1/configuration';
const PART = '/v1/configuration/part';
const CHANGED_SINCE = 412;

export function configCommand(options: ConfigOptions): Promise<number> {
  const socket = socketToAsk(options.socket, process.env, process.getuid?.() ?? -1);
  return failing(async () => {
    switch (options.word) {
      case 'get':
        return show(bodyOf(await exchange(socket, { method: 'GET', path: pathOf(PART, { at: options.place }) })));
      case 'etag': {
        const reply = await exchange(socket, { method: 'GET', path: WHOLE });
        bodyOf(reply);
        return say(reply.etag);
      }
      case 'diff':
        return diff(bodyOf(await exchange(socket, { method: 'GET', path: `${WHOLE}/differences` })));
      case 'set': {
        const { path, body } = await questionOf(options.what);
        return change(socket, 'PUT', path, options, body);
      }
      case 'delete':
        return change(socket, 'DELETE', pathOf(PART, { at: options.place }), options);
      case 'reset':
        return change(socket, 'DELETE', WHOLE, options);
      case 'confirm': {
        const question = { method: 'POST', path: pathOf(`${WHOLE}/confirm`, { by: userName() }) };
        return say((bodyOf(await exchange(socket, question)) as Answer<'confirmConfiguration'>).text);
      }
      case 'roll-back': {
        const question = { method: 'POST', path: pathOf(`${WHOLE}/roll-back`, { by: userName() }) };
        return tell(bodyOf(await exchange(socket, question)) as Answer<'rollBackConfiguration'>);
      }
    }
  });
}

async function change(
  socket: string,
  method: string,
  path: string,
  { ifMatch, confirmS = null }: { readonly ifMatch: string | null; readonly confirmS?: number | null },
  body?: string,
): Promise<number> {
  const query = { by: userName(), ...(confirmS === null ? {} : { confirm: String(confirmS) }) };
  const headers = {
    'if-match': ifMatch ?? '*',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const asked = { method, path: pathOf(path, query), headers, ...(body === undefined ? {} : { body }) };
  const reply: Reply = await exchange(socket, asked);
  if (reply.status === CHANGED_SINCE) {
    process.stderr.write(`evenkeel: ${(reply.body as { readonly error: string }).error}\n`);
    return EXIT_DIFFERS;
  }
  const { changes, warnings, rollbackInMs } = bodyOf(reply) as Answer<'replaceConfiguration'>;
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  tell({ changes });
  if (rollbackInMs !== null)
    say(`taken back in ${Math.round(rollbackInMs / 1_000)} s, unless \`evenkeel config confirm\` is run`);
  return EXIT_OK;
}

async function questionOf(what: SetWhat): Promise<{ readonly path: string; readonly body: string }> {
  if ('file' in what) return { path: WHOLE, body: JSON.stringify(documentOf(what.file)) };
  const { value, problems, positionOf } = readYaml('the value', what.value);
  if (problems.length > 0) {
    throw new ControlError(
      problems
        .map((one) => formatDiagnostic(diagnose(one, { file: 'the value', ...positionOf(one.offset) })))
        .join('\n'),
    );
  }
  return { path: pathOf(PART, { at: what.place }), body: JSON.stringify(value) };
}

/** What is in a file of any language, as the model has it. What is wrong with it as a configuration is for the one that is to run it to say. */
export function documentOf(path: string): unknown {
  let said = '';
  const print = (text: string): void => void (said += text);
  const texts = readConfigTexts([{ path, language: null }], print);
  if (texts === null) throw new ControlError(said.trim());
  const [root] = texts;
  const document = frontEndFor(root.text, root.language).read(root, { files: new IncludedFiles(), node: null });
  if (document.diagnostics.some(({ severity }) => severity !== 'warning')) {
    printDiagnostics(document.diagnostics, print);
    throw new ControlError(said.trim());
  }
  return document.value;
}

/** As lines, for people and for grep(1). */
function diff(answer: unknown): number {
  const { faults, differences } = answer as Answer<'configurationDifferences'>;
  if (faults.length > 0) throw new ControlError(`the files cannot be run:\n${faults.join('').trim()}`);
  for (const { at, file, inForce } of differences) {
    if (inForce !== undefined) say(`- ${at}: ${JSON.stringify(inForce)}`);
    if (file !== undefined) say(`+ ${at}: ${JSON.stringify(file)}`);
  }
  return differences.length === 0 ? EXIT_OK : EXIT_DIFFERS;
}

function tell({ changes }: { readonly changes: readonly string[] }): number {
  return say(changes.length === 0 ? 'nothing has changed' : changes.join('\n'));
}

function show(value: unknown): number {
  return say(JSON.stringify(value, null, 2));
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT_OK;
}

/** With what is in the query already. */
function pathOf(path: string, query: Readonly<Record<string, string>>): string {
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(query).toString()}`;
}

/** An explanation (src/api/explanation.ts) as people read it. */
import type {
  ExplainedField,
  ExplainedServer,
  ExplainedStep,
  ExplainedTarget,
  Explanation,
} from '../api/explanation.ts';
import { FILES_UPSTREAM } from '../config/plan/files.ts';
import { type Paint, painter } from './paint.ts';

/** Columns before the text. */
const LABEL = 10;
const CANDIDATES_SHOWN = 12;

export function renderExplanation(
  { answer, assumed, listener, outcome, request, steps, stepsLeftOut, subject, summary, target }: Explanation,
  hasColor: boolean,
): string {
  const paint = painter(hasColor);
  const color = outcome === 'refused' ? 'red' : outcome === 'waits' ? 'yellow' : 'green';
  const lines = [
    `${subject}: ${paint(color, summary)}`,
    ...labelled('listener', [`${listener.name}, ${listener.protocol}, at ${listener.address}`]),
    ...labelled('route', [...steps.map((step) => stepLine(step, paint)), ...leftOut(stepsLeftOut)]),
    ...(target === null ? [] : labelled('upstream', targetLines(target, paint))),
    ...(request === null
      ? []
      : labelled('request', [
          `${request.line}${request.isRewritten ? paint('yellow', '  (rewritten)') : ''}`,
          ...request.fields.map((field) => fieldLine(field, paint)),
        ])),
    ...(answer === null ? [] : labelled('answer', answerLines(answer, paint))),
    ...labelled('assuming', assumed),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function labelled(label: string, texts: readonly string[]): readonly string[] {
  return texts.map((text, i) => `${(i === 0 ? label : '').padEnd(LABEL)}${text}`);
}

function leftOut(count: number): readonly string[] {
  return count === 0 ? [] : [`... and ${count} more`];
}

function stepLine({ holds, kind, route, text, why }: ExplainedStep, paint: Paint): string {
  const number = route === null ? '    ' : `${route}. `.padEnd(4);
  const verdict =
    kind === 'route' ? (holds ? 'taken' : 'no') : kind === 'test' ? (holds ? 'yes' : 'no') : holds ? '' : 'not done';
  const colored = verdict === '' ? '' : paint(holds ? 'green' : 'dim', verdict);
  return `${number}${text}${[colored, why]
    .filter((each) => each !== '')
    .map((each, i) => `${i === 0 ? ': ' : ', '}${each}`)
    .join('')}`;
}

function targetLines(target: ExplainedTarget, paint: Paint): readonly string[] {
  const { balance, candidates, upstream, server, isFixed } = target;
  const chosen =
    server === null ? paint('red', 'no server') : upstream === FILES_UPSTREAM ? server : `server ${server}`;
  const how =
    server === null || upstream === FILES_UPSTREAM ? '' : isFixed ? ', the same for the same request' : ', this time';
  const shown = candidates.slice(0, CANDIDATES_SHOWN);
  return [
    `${upstream}, ${balance}: ${chosen}${how}`,
    ...shown.map((one) => serverLine(one, paint)),
    ...leftOut(candidates.length - shown.length),
  ];
}

function serverLine({ address, name, takes, why }: ExplainedServer, paint: Paint): string {
  const place = address === null || address === name ? '' : ` (${address})`;
  return `    ${name}${place}: ${takes ? paint('green', 'takes requests') : paint('yellow', why)}`;
}

const MARKS = { kept: ' ', added: '+', changed: '~', removed: '-' } as const;

function fieldLine({ change, name, value }: ExplainedField, paint: Paint): string {
  const text = `  ${MARKS[change]} ${name}: ${value}`;
  return change === 'added'
    ? paint('green', text)
    : change === 'removed'
      ? paint('red', text)
      : change === 'changed'
        ? paint('yellow', text)
        : text;
}

function answerLines(
  { body, by, fields, reason, status, why }: NonNullable<Explanation['answer']>,
  paint: Paint,
): readonly string[] {
  const first =
    by === 'server'
      ? "the server's, with"
      : status === 0
        ? 'the connection ends without one'
        : `${status}, by ${by === 'route' ? 'the route' : 'evenkeel'}`;
  const shown =
    by === 'server'
      ? fields.filter(({ change }) => change !== 'kept')
      : fields.map((each) => ({ ...each, change: 'kept' as const }));
  if (by === 'server' && shown.length === 0) return ["the server's, as it is"];
  return [
    `${first}${reason === null ? '' : paint('red', `: ${reason}: ${why}`)}`,
    ...shown.map((field) => fieldLine(field, paint)),
    ...(body === null
      ? []
      : body
          .trimEnd()
          .split('\n')
          .map((line) => `    ${line}`)),
  ];
}

/** What evenkeel has answered by itself because something was wrong: the last requests, each with its identifier, and how many of each kind. */
import type { FailedRequestView } from '../api/failed-requests.ts';
import type { StatusDocument } from '../api/status.ts';
import { Badge } from './badge.tsx';
import { clock, duration, plural, short, whole } from './format.ts';
import type { Sample } from './counts.ts';

interface ErrorsProps {
  readonly status: StatusDocument;
  readonly samples: readonly Sample[];
  readonly failed: readonly FailedRequestView[];
}

export function Errors({ status, samples, failed }: ErrorsProps) {
  const rate = samples.at(-1)?.ownErrors ?? 0;
  if (status.answers.length === 0) return null;
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Recent errors {rate > 0 && <span class="dim">{short(rate)}/s now</span>}</h2>
      {failed.length > 0 && (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Table of failed requests">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Answer</th>
                <th scope="col">Why</th>
                <th scope="col">Where</th>
                <th scope="col">Request</th>
              </tr>
            </thead>
            <tbody>
              {failed.map((request) => (
                <Failed key={request.id} request={request} now={Date.parse(status.at)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Kinds answers={status.answers} />
    </section>
  );
}

function Failed({ request, now }: { readonly request: FailedRequestView; readonly now: number }) {
  const { id, at, status, reason, why, by, method, listener, route, upstream, tookMs, tries } = request;
  const last = tries.at(-1);
  return (
    <tr>
      <td>
        <time dateTime={at}>{clock(at, now)}</time>
        <span class="dim block">took {duration(tookMs)}</span>
      </td>
      <td>
        <Badge tone={status >= 500 || status === 0 ? 'bad' : 'warn'} text={status === 0 ? 'none' : String(status)} />
      </td>
      <td>
        {why}
        <span class="dim block">
          <code>{reason}</code>
          {by !== 'nobody' && ` by the ${by}`.replace('the evenkeel', 'evenkeel')}
        </span>
      </td>
      <td>
        {method} {listener}
        {upstream !== null && ` → ${upstream}`}
        <span class="dim block">
          {route ?? 'no route'}
          {last !== undefined &&
            `; ${plural(tries.length, 'try', 'tries')}, the last ${last.server}: ${last.failure ?? last.status}`}
        </span>
      </td>
      <td>
        <code class="id">{id}</code>
      </td>
    </tr>
  );
}

function Kinds({ answers }: { readonly answers: StatusDocument['answers'] }) {
  return (
    <ul class="kinds" aria-label="Own answers since the start, by kind">
      {answers
        .toSorted((one, other) => other.count - one.count)
        .map(({ name, text, count }) => (
          <li key={name} title={text}>
            <code>{name}</code> {whole(count)}
          </li>
        ))}
    </ul>
  );
}

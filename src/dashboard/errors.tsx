/** What evenkeel has answered by itself because something was wrong. */
import type { StatusDocument } from '../api/status.ts';
import type { Sample } from './counts.ts';
import { short, whole } from './format.ts';

export function Errors({ status, samples }: { readonly status: StatusDocument; readonly samples: readonly Sample[] }) {
  const answers = status.answers.toSorted((one, other) => other.count - one.count);
  if (answers.length === 0) return null;
  const rate = samples.at(-1)?.ownErrors ?? 0;
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Own answers {rate > 0 && <span class="dim">{short(rate)}/s now</span>}</h2>
      <div class="card scroll" tabIndex={0} role="region" aria-labelledby="errors">
        <table>
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col" class="number">
                Status
              </th>
              <th scope="col">Why</th>
              <th scope="col" class="number">
                Since the start
              </th>
            </tr>
          </thead>
          <tbody>
            {answers.map(({ name, status: code, text, count }) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td class="number">{code === 0 ? '–' : code}</td>
                <td>{text}</td>
                <td class="number">{whole(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

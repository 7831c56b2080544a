/** Certificates by when they expire, and what is wrong with any. */
import type { TlsStatus } from '../api/certificates.ts';
import { Badge, type Tone } from './badge.tsx';
import { ago } from './format.ts';

/** An operator who renews by hand wants weeks. */
const SOON_DAYS = 21;

export function Certificates({ tls, at }: { readonly tls: TlsStatus | null; readonly at: string }) {
  if (tls === null) return null;
  const sorted = tls.certificates.toSorted((one, other) => one.daysLeft - other.daysLeft);
  return (
    <section aria-labelledby="certificates">
      <h2 id="certificates">Certificates</h2>
      {tls.faults !== undefined && tls.faults.length > 0 && (
        <ul class="banner bad">
          {tls.faults.map(({ file, reason, isFormerUsed }) => (
            <li key={file}>
              {file}: {reason}
              {isFormerUsed && '; what was read before is in force'}
            </li>
          ))}
        </ul>
      )}
      <div class="card scroll" tabIndex={0} role="region" aria-label="Table of certificates">
        <table>
          <thead>
            <tr>
              <th scope="col">Names</th>
              <th scope="col">Of</th>
              <th scope="col">Expires</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map(({ listener, upstream, file, names, kind, daysLeft, notAfter, isStandIn }) => (
              <tr key={`${listener} ${upstream} ${file} ${kind}`}>
                <th scope="row">
                  {names.join(', ')}
                  <span class="dim block">
                    {kind} · {file}
                  </span>
                </th>
                <td>{listener ?? upstream ?? 'admin API'}</td>
                <td>
                  <Badge tone={toneOf(daysLeft)} text={daysLeft < 0 ? 'expired' : `${daysLeft} d`} />
                  <span class="dim block">{new Date(notAfter).toLocaleDateString('en-GB')}</span>
                  {isStandIn === true && <span class="tag">stand-in</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {tls.acme.length > 0 && (
        <ul class="links" aria-label="Certificates from authorities">
          {tls.acme.map(({ names, state, failure }) => (
            <li key={names.join()}>
              <Badge tone={state === 'held' ? 'good' : state === 'waiting' ? 'bad' : 'info'} text={state} />{' '}
              {names.join(', ')}
              {failure !== null && (
                <span class="bad-text">
                  {' '}
                  {failure.text} ({ago(Date.parse(at) - Date.parse(failure.at))})
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function toneOf(daysLeft: number): Tone {
  if (daysLeft < 7) return 'bad';
  return daysLeft < SOON_DAYS ? 'warn' : 'good';
}

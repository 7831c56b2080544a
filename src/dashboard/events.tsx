/** What has happened, the latest first: the lines of the log. */
import { useState } from 'preact/hooks';
import type { EventView } from '../api/events.ts';
import { Badge, type Tone } from './badge.tsx';
import { clock } from './format.ts';

const TONES: Readonly<Record<EventView['level'], Tone>> = { info: 'info', warn: 'warn', error: 'bad' };
const SHOWN = 100;

export function Events({ events }: { readonly events: readonly EventView[] }) {
  const [isWorst, setWorst] = useState(false);
  const now = Date.now();
  const shown = events
    .filter(({ level }) => !isWorst || level !== 'info')
    .slice(-SHOWN)
    .toReversed();
  return (
    <section aria-labelledby="events">
      <div class="section-head">
        <h2 id="events">Events</h2>
        <label class="check">
          <input type="checkbox" checked={isWorst} onChange={({ currentTarget }) => setWorst(currentTarget.checked)} />
          warnings and errors only
        </label>
      </div>
      <div class="card events" role="log" aria-labelledby="events" tabIndex={0}>
        <ol>
          {shown.length === 0 && <li class="dim">Nothing yet.</li>}
          {shown.map(({ id, at, level, message, details }) => (
            <li key={id}>
              <time dateTime={at}>{clock(at, now)}</time>
              <Badge tone={TONES[level]} text={level} />
              <span class="message">
                {message}
                {Object.entries(details).map(([name, value]) => (
                  <span key={name} class="dim">
                    {' '}
                    {name}={value}
                  </span>
                ))}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

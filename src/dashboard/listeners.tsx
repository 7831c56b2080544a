/** Where clients come. */
import type { ListenerView } from '../api/data-plane.ts';
import { Badge } from './badge.tsx';
import type { Ask } from './dialogs.tsx';
import { whole } from './format.ts';
import { LISTENER_TONES } from './tones.ts';

interface ListenersProps {
  readonly listeners: readonly ListenerView[];
  readonly mayOrder: boolean;
  readonly ask: Ask;
}

export function Listeners({ listeners, mayOrder, ask }: ListenersProps) {
  return (
    <section aria-labelledby="listeners">
      <h2 id="listeners">Listeners</h2>
      <div class="card scroll" tabIndex={0} role="region" aria-label="Table of listeners">
        <table>
          <thead>
            <tr>
              <th scope="col">Listener</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Open
              </th>
              <th scope="col" class="number">
                Accepted
              </th>
              {mayOrder && <th scope="col">Orders</th>}
            </tr>
          </thead>
          <tbody>
            {listeners.map(({ name, protocol, binds, state, connections, accepted }) => (
              <tr key={name}>
                <th scope="row">
                  {name} <span class="tag">{protocol}</span>
                  {binds.map(({ address, failure }) => (
                    <span key={address} class={failure === null ? 'dim block' : 'bad-text block'}>
                      {address}
                      {failure !== null && `: ${failure}`}
                    </span>
                  ))}
                </th>
                <td>
                  <Badge tone={LISTENER_TONES[state]} text={state} />
                </td>
                <td class="number">{whole(connections)}</td>
                <td class="number">{whole(accepted)}</td>
                {mayOrder && (
                  <td class="orders">
                    <button
                      type="button"
                      aria-label={`${state === 'drained' ? 'Enable' : 'Drain'} listener ${name}`}
                      onClick={() => ask(question(name, state))}
                    >
                      {state === 'drained' ? 'Enable' : 'Drain'}
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function question(listener: string, state: ListenerView['state']) {
  const order = state === 'drained' ? 'enable' : 'drain';
  const path = `v1/listeners/${encodeURIComponent(listener)}/${order}`;
  return order === 'drain'
    ? {
        title: `Drain listener ${listener}?`,
        text: 'It refuses new connections; those that it has stay.',
        verb: 'Drain',
        path,
      }
    : { title: `Enable listener ${listener}?`, text: 'It takes connections again.', verb: 'Enable', path };
}

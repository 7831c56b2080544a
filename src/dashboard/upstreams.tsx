/** Upstreams, and every server with its health: what is wrong first. */
import { useState } from 'preact/hooks';
import type { OverrideView, ServerView, UpstreamView } from '../api/data-plane.ts';
import { Badge, Shape } from './badge.tsx';
import type { Ask } from './dialogs.tsx';
import { age, ago, plural, whole } from './format.ts';
import { serverKey, type ServerState } from './store.ts';
import { isServing, SERVER_TONES } from './tones.ts';

/** More are shown when they are asked for. */
const SHOWN = 12;
const STATES = Object.keys(SERVER_TONES) as ServerState[];
/** The worst first. */
const ORDER: readonly ServerState[] = ['down', 'unresolved', 'ejected', 'draining', 'disabled', 'unchecked', 'up'];

interface UpstreamsProps {
  readonly upstreams: readonly UpstreamView[];
  readonly overrides: readonly OverrideView[];
  readonly health: ReadonlyMap<string, readonly ServerState[]>;
  readonly mayOrder: boolean;
  readonly ask: Ask;
}

export function Upstreams({ upstreams, ...rest }: UpstreamsProps) {
  const [text, setText] = useState('');
  const [state, setState] = useState('');
  const isChosen = (upstream: UpstreamView, { name, address, state: is }: ServerView): boolean =>
    (state === '' || is === state) &&
    `${upstream.name} ${name} ${address ?? ''}`.toLowerCase().includes(text.toLowerCase());
  const isFiltered = text !== '' || state !== '';
  return (
    <section aria-labelledby="upstreams">
      <div class="section-head">
        <h2 id="upstreams">Upstreams</h2>
        <div class="filters" role="search">
          <label>
            <span class="unseen">Find a server</span>
            <input
              type="search"
              placeholder="Find a server"
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          </label>
          <label>
            <span class="unseen">State</span>
            <select value={state} onChange={({ currentTarget }) => setState(currentTarget.value)}>
              <option value="">any state</option>
              {STATES.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
        </div>
      </div>
      {upstreams.length === 0 && <p class="dim">There are none.</p>}
      {upstreams.map((upstream) => {
        const servers = upstream.servers.filter((server) => isChosen(upstream, server));
        if (isFiltered && servers.length === 0) return null;
        return <Upstream key={upstream.name} upstream={upstream} servers={servers} {...rest} />;
      })}
    </section>
  );
}

interface UpstreamProps extends Omit<UpstreamsProps, 'upstreams'> {
  readonly upstream: UpstreamView;
  readonly servers: readonly ServerView[];
}

function Upstream({ upstream, servers, ...rest }: UpstreamProps) {
  const [isWhole, setWhole] = useState(false);
  const { name, balance, check, waiting, quorum } = upstream;
  const serving = upstream.servers.filter(({ state }) => isServing(state)).length;
  const tone = serving === upstream.servers.length ? 'good' : serving === 0 ? 'bad' : 'warn';
  const sorted = servers.toSorted((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
  const shown = isWhole ? sorted : sorted.slice(0, SHOWN);
  return (
    <article class={`card upstream edge ${tone}`}>
      <header>
        <h3>{name}</h3>
        <Badge tone={tone} text={`${whole(serving)} of ${whole(upstream.servers.length)} serve`} />
        {waiting > 0 && <Badge tone="warn" text={`${plural(waiting, 'request')} waiting`} />}
        {quorum !== null && !quorum.isMet && (
          <Badge tone="bad" text={`quorum not met: ${quorum.weightUp} of ${quorum.weight}`} />
        )}
        <span class="dim right">
          {balance}
          {check === null ? ', not checked' : `, checked: ${check}`}
        </span>
      </header>
      {upstream.servers.length > 6 && (
        <p class="strip" role="img" aria-label={stripText(upstream.servers)}>
          {upstream.servers.map((server) => (
            <span
              key={serverKey(name, server)}
              class={`cell ${SERVER_TONES[server.state]}`}
              title={`${server.name}: ${server.state}`}
            />
          ))}
        </p>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label={`Servers of ${name}`}>
        <table>
          <caption class="unseen">Servers of {name}</caption>
          <thead>
            <tr>
              <th scope="col">Server</th>
              <th scope="col">State</th>
              <th scope="col">Of late</th>
              <th scope="col" class="number">
                In use
              </th>
              <th scope="col" class="number">
                Requests
              </th>
              <th scope="col" class="number">
                Failed
              </th>
              <th scope="col" class="number">
                Weight
              </th>
              {rest.mayOrder && <th scope="col">Orders</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((server) => (
              <Server key={serverKey(name, server)} upstream={name} server={server} {...rest} />
            ))}
          </tbody>
        </table>
      </div>
      {sorted.length > SHOWN && (
        <button type="button" class="more" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? `Show ${SHOWN}` : `Show all ${whole(sorted.length)}`}
        </button>
      )}
    </article>
  );
}

function stripText(servers: readonly ServerView[]): string {
  const counts = STATES.map((state) => [state, servers.filter((server) => server.state === state).length] as const);
  return counts
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

interface ServerProps extends Omit<UpstreamProps, 'upstream' | 'servers'> {
  readonly upstream: string;
  readonly server: ServerView;
}

function Server({ upstream, server, overrides, health, mayOrder, ask }: ServerProps) {
  const { name, address, state, reason, stateAgeMs, lastCheck, connections, maxConnections, requests, failures } =
    server;
  const override = overrides.find(({ subject }) => subject === `server ${upstream}/${name}`);
  const isByHand = (override?.state ?? null) !== null;
  return (
    <tr>
      <th scope="row">
        <span class="server-name">{name}</span>
        {address !== null && address !== name && <span class="dim block">{address}</span>}
        {server.isBackup && <span class="tag">backup</span>}
      </th>
      <td>
        <Badge tone={SERVER_TONES[state]} text={state} /> <span class="dim">{age(stateAgeMs)}</span>
        <span class="dim block reason">
          {override === undefined ? reason : `by hand${override.by === null ? '' : `, ${override.by}`}: ${reason}`}
          {lastCheck !== null && state !== 'up' && ` · last check ${ago(lastCheck.ageMs)}: ${lastCheck.detail}`}
        </span>
      </td>
      <td>
        <HealthHistory states={health.get(serverKey(upstream, server)) ?? []} />
      </td>
      <td class="number" data-name="In use">
        {whole(connections)}
        {maxConnections !== null && <span class="dim">/{whole(maxConnections)}</span>}
      </td>
      <td class="number" data-name="Requests">
        {whole(requests)}
      </td>
      <td class={failures > 0 ? 'number bad-text' : 'number'} data-name="Failed">
        {whole(failures)}
      </td>
      <td class="number" data-name="Weight">
        {server.weight}
        {server.weightShare < 1 && <span class="dim"> at {Math.round(server.weightShare * 100)} %</span>}
      </td>
      {mayOrder && (
        <td class="orders">
          {state === 'draining' || state === 'disabled' || isByHand ? (
            <button type="button" aria-label={`Enable ${name}`} onClick={() => ask(question('enable', upstream, name))}>
              Enable
            </button>
          ) : (
            <>
              <button type="button" aria-label={`Drain ${name}`} onClick={() => ask(question('drain', upstream, name))}>
                Drain
              </button>
              <button
                type="button"
                aria-label={`Disable ${name}`}
                onClick={() => ask(question('disable', upstream, name))}
              >
                Disable
              </button>
            </>
          )}
        </td>
      )}
    </tr>
  );
}

const WHAT = {
  drain: ['Drain', 'It gets no new clients; those that it has stay until they go.'],
  disable: ['Disable', 'It gets nobody. Requests that are under way there are finished.'],
  enable: ['Enable', 'It gets clients again, by the weight of the file.'],
} as const;

function question(order: keyof typeof WHAT, upstream: string, server: string) {
  const [verb, text] = WHAT[order];
  const path = `v1/upstreams/${encodeURIComponent(upstream)}/servers/${encodeURIComponent(server)}/${order}`;
  return { title: `${verb} ${upstream}/${server}?`, text, verb, path };
}

/** A mark for each look of this page. */
function HealthHistory({ states }: { readonly states: readonly ServerState[] }) {
  const bad = states.filter((state) => !isServing(state)).length;
  if (states.length === 0) return <Shape tone="off" />;
  return (
    <span
      class="looks"
      role="img"
      aria-label={bad === 0 ? 'served at every look' : `did not serve at ${bad} of ${states.length} looks`}
    >
      {states.map((state, i) => (
        <span key={i} class={`look ${SERVER_TONES[state]}`} />
      ))}
    </span>
  );
}

/** Who has which address, why, and who had it before. */
import type { HaStatus, RouterView } from '../api/virtual-routers.ts';
import type { PairNodeView } from '../api/nodes.ts';
import type { PeersStatus } from '../api/status.ts';
import { Badge, Shape } from './badge.tsx';
import type { Ask } from './dialogs.tsx';
import { age, ago } from './format.ts';
import { ROUTER_TONES } from './tones.ts';

const HISTORY_SHOWN = 3;
const PARTS_SHOWN = 3;

interface PairProps {
  readonly ha: HaStatus;
  readonly peers: PeersStatus | null;
  readonly mayOrder: boolean;
  readonly ask: Ask;
}

export function Pair({ ha, peers, mayOrder, ask }: PairProps) {
  return (
    <section aria-labelledby="pair">
      <h2 id="pair">Virtual addresses</h2>
      {ha.owner.problem !== null && <p class="banner bad">{ha.owner.problem}</p>}
      <div class="cards">
        {ha.routers.map((router) => (
          <Router key={router.name} router={router} node={ha.node} mayOrder={mayOrder} ask={ask} />
        ))}
      </div>
      {peers !== null && peers.peers.length > 0 && (
        <ul class="links" aria-label="Links to other nodes">
          {peers.peers.map(({ name, address, isUp, reason, since }) => (
            <li key={name}>
              <Badge tone={isUp ? 'good' : 'bad'} text={isUp ? 'linked' : 'no link'} /> {name}{' '}
              <span class="dim">{address}</span>
              {!isUp && <span class="dim"> – {reason}</span>}
              <span class="dim"> since {new Date(since).toLocaleString('en-GB')}</span>
              <LastWord node={peers.nodes?.find((node) => node.name === name)} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What the other node has said of itself. */
function LastWord({ node }: { readonly node: PairNodeView | undefined }) {
  const heardAgeMs = node?.heardAgeMs ?? null;
  if (node === undefined || heardAgeMs === null) return null;
  const { difference, summary } = node;
  const parts = difference?.parts ?? [];
  const short = (summary?.upstreams ?? []).filter(({ up, servers }) => up < servers);
  const told = [
    ...(parts.length === 0
      ? []
      : [`in ${parts.slice(0, PARTS_SHOWN).join(', ')}${parts.length > PARTS_SHOWN ? ' …' : ''}`]),
    ...short.map(({ name, up, servers }) => `${name} ${up} of ${servers} up`),
    ...(summary?.overrides ?? []).map(({ subject, said }) => `${subject} ${said}`),
    `last word ${ago(heardAgeMs)}`,
  ];
  return (
    <div class="dim">
      {difference !== null && <Badge tone="warn" text="other configuration" />} {told.join('; ')}
    </div>
  );
}

interface RouterProps {
  readonly router: RouterView;
  readonly node: string;
  readonly mayOrder: boolean;
  readonly ask: Ask;
}

function Router({ router, node, mayOrder, ask }: RouterProps) {
  const { account, name, state, restraint } = router;
  const fault = account?.fault ?? null;
  const claim = account?.claim ?? null;
  return (
    <article class={`card router edge ${ROUTER_TONES[state]}`}>
      <header>
        <h3>{name}</h3>
        <Badge tone={ROUTER_TONES[state]} text={state} />
        {account?.isContested === true && <Badge tone="bad" text="contested" />}
      </header>
      <p class="addresses">
        {[...router.addresses, ...router.excluded].map((address) => (
          <code key={address}>{address}</code>
        ))}
      </p>
      <p class="holder">{holderOf(router, node)}</p>
      {restraint !== null && (
        <p class="restraint">
          Keeps from preempting: {restraint.reason}
          {restraint.by !== null && ` by ${restraint.by}`},{' '}
          {restraint.leftMs === null ? 'until it is ended' : `${age(restraint.leftMs)} left`}
        </p>
      )}
      <dl class="facts">
        <Fact name="priority">{account?.priority ?? '–'}</Fact>
        <Fact name="so for">{age(account?.stateAgeMs ?? null)}</Fact>
        <Fact name="interface">{router.interfaceName}</Fact>
        <Fact name="router id">{router.virtualRouterId}</Fact>
        {fault !== null && (
          <Fact name="fault" isWide>
            {fault}
          </Fact>
        )}
        {claim !== null && (
          <Fact name="waits for" isWide>
            {claim.gate}
          </Fact>
        )}
      </dl>
      <Checks router={router} />
      {account !== null && account.peers.length > 0 && (
        <ul class="peers" aria-label={`Peers of ${name}`}>
          {account.peers.map((peer) => (
            <li key={peer.address}>
              <code>{peer.address}</code> priority {peer.priority}, last advert {ago(peer.ageMs)}
              {peer.addresses !== 'all' && <b class="bad-text"> names {peer.addresses} of these addresses</b>}
            </li>
          ))}
        </ul>
      )}
      {router.evidence.length > 0 && (
        <ul class="evidence" aria-label={`What was noticed of ${name}`}>
          {router.evidence.map(({ kind, detail, ageMs, total }) => (
            <li key={kind}>
              <b>{kind}</b> {detail}{' '}
              <span class="dim">
                ({total > 1 ? `${total} times, last ` : ''}
                {ago(ageMs)})
              </span>
            </li>
          ))}
        </ul>
      )}
      {router.changes.length > 0 && <History router={router} />}
      {mayOrder && (
        <div class="buttons">
          {restraint?.reason === 'hand-over' ? (
            <button type="button" onClick={() => ask(resumeQuestion(name))}>
              Resume
            </button>
          ) : (
            <button type="button" disabled={state !== 'active'} onClick={() => ask(handOverQuestion(name))}>
              Hand over…
            </button>
          )}
        </div>
      )}
    </article>
  );
}

function holderOf({ account, state }: RouterView, node: string): string {
  if (state === 'active') return `${node} (this node) has them.`;
  const peer = account?.activePeer ?? null;
  if (peer !== null) return `${peer} has them.`;
  return state === 'unknown' ? 'Nobody knows who has them.' : 'Nobody is known to have them.';
}

interface FactProps {
  readonly name: string;
  readonly isWide?: boolean;
  readonly children: string | number;
}

function Fact({ name, isWide = false, children }: FactProps) {
  return (
    <div class={isWide ? 'wide' : ''}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Guards, tracked things and witnesses, if there are any. */
function Checks({ router: { account, tracked, witnesses, name } }: { readonly router: RouterView }) {
  const checks = [
    ...(account?.guards ?? []).map((guard) => ({
      name: guard.name,
      isUp: guard.passes as boolean | null,
      detail: 'guard',
    })),
    ...tracked.map(({ name, isUp, detail }) => ({ name, isUp, detail })),
    ...witnesses.map((witness) => ({
      name: witness.name,
      isUp: witness.isAnswering as boolean | null,
      detail: witness.detail,
    })),
  ];
  if (checks.length === 0) return null;
  return (
    <ul class="checks" aria-label={`Checks of ${name}`}>
      {checks.map(({ name, isUp, detail }) => (
        <li key={name} title={detail}>
          <Badge tone={isUp === null ? 'off' : isUp ? 'good' : 'bad'} text={name} />
          {isUp === false && <span class="dim"> {detail}</span>}
        </li>
      ))}
    </ul>
  );
}

/** The last changes, and those before when they are asked for. */
function History({ router: { changes, name } }: { readonly router: RouterView }) {
  const earlier = changes.slice(HISTORY_SHOWN);
  return (
    <div>
      <h4>History</h4>
      <Changes changes={changes.slice(0, HISTORY_SHOWN)} label={`Changes of ${name}, the latest first`} />
      {earlier.length > 0 && (
        <details>
          <summary>{earlier.length} before</summary>
          <Changes changes={earlier} label={`Earlier changes of ${name}`} />
        </details>
      )}
    </div>
  );
}

function Changes({ changes, label }: { readonly changes: RouterView['changes']; readonly label: string }) {
  return (
    <ol class="history" aria-label={label}>
      {changes.map(({ from, to, cause, detail, ageMs }) => (
        <li key={`${from} ${to} ${Math.round(ageMs / 10_000)}`}>
          <Shape tone={ROUTER_TONES[to]} />
          <span>
            {from} → <b>{to}</b> <span class="dim">{ago(ageMs)}</span>
            <span class="dim block">
              {cause}
              {detail === '' ? '' : `: ${detail}`}
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function handOverQuestion(router: string) {
  return {
    title: `Hand ${router} over?`,
    text: 'Its addresses, and those of its group, go to a peer that serves, and stay there until Resume.',
    verb: 'Hand over',
    path: `v1/routers/${encodeURIComponent(router)}/hand-over`,
  };
}

function resumeQuestion(router: string) {
  return {
    title: `Resume ${router}?`,
    text: 'This node may take the addresses back, if its priority says so.',
    verb: 'Resume',
    path: `v1/routers/${encodeURIComponent(router)}/resume`,
  };
}

/** Which node this is, how current the page is, and whether it may give orders. */
import { Badge } from './badge.tsx';
import type { Ask } from './dialogs.tsx';
import { age } from './format.ts';
import type { Model } from './store.ts';

interface HeaderProps {
  readonly model: Model;
  readonly unlock: () => void;
  readonly lock: () => void;
  readonly ask: Ask;
}

export function Header({ model: { status, problem, mayOrder }, unlock, lock, ask }: HeaderProps) {
  const isDrained = status?.overrides.some(({ subject, state }) => subject === 'node' && state !== null) ?? false;
  return (
    <header class="top">
      <div class="brand">
        <img src="icon.svg" alt="" width="28" height="28" />
        <div>
          <h1>{status?.ha?.node ?? 'evenkeel'}</h1>
          {status !== null && (
            <p class="sub">
              evenkeel {status.version} · up {age(status.uptimeMs)} · configuration{' '}
              <code>{status.configuration.digest.slice(0, 8)}</code>
              {status.configuration.setByApi !== null && ' (set by the API)'}
            </p>
          )}
        </div>
      </div>
      <div class="actions">
        {status?.isStopping === true && <Badge tone="warn" text="stopping" />}
        {isDrained && <Badge tone="warn" text="node drained" />}
        {problem === null ? <Badge tone="good" text="live" /> : <Badge tone="bad" text="not current" />}
        {mayOrder && (
          <button type="button" onClick={() => ask(nodeQuestion(isDrained))}>
            {isDrained ? 'Enable node' : 'Drain node'}
          </button>
        )}
        <button type="button" onClick={mayOrder ? lock : unlock}>
          {mayOrder ? 'Lock' : 'Unlock orders'}
        </button>
      </div>
    </header>
  );
}

function nodeQuestion(isDrained: boolean) {
  return isDrained
    ? { title: 'Enable this node?', text: 'It says again that it is ready.', verb: 'Enable', path: 'v1/node/enable' }
    : {
        title: 'Drain this node?',
        text: 'It says that it is not ready, and tells clients to go. Nobody is cut off.',
        verb: 'Drain',
        path: 'v1/node/drain',
      };
}

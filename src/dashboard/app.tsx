/** The page as a whole. */
import { useState } from 'preact/hooks';
import { Certificates } from './certificates.tsx';
import { type Ask, ConfirmDialog, type Question, TokenDialog } from './dialogs.tsx';
import { Errors } from './errors.tsx';
import { Events } from './events.tsx';
import { Header } from './header.tsx';
import { Listeners } from './listeners.tsx';
import { Overview } from './overview.tsx';
import { Pair } from './pair.tsx';
import type { Model, Store } from './store.ts';
import { Traffic } from './traffic.tsx';
import { Upstreams } from './upstreams.tsx';

export function App({ store, model }: { readonly store: Store; readonly model: Model }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [isUnlocking, setUnlocking] = useState(false);
  const { status, problem, notice } = model;
  const ask: Ask = (asked) => setQuestion(asked);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header model={model} unlock={() => setUnlocking(true)} lock={() => void store.setToken('')} ask={ask} />
      <main id="main" tabIndex={-1}>
        {problem !== null && (
          <p class="banner bad" role="alert">
            {status === null
              ? `${problem}.`
              : `${problem}. What follows is how things stood at ${new Date(status.at).toLocaleTimeString('en-GB')}.`}
          </p>
        )}
        {status === null ? (
          problem === null && <p class="loading">Asking evenkeel…</p>
        ) : (
          <>
            <Overview status={status} samples={model.samples} />
            {status.ha !== null && <Pair ha={status.ha} peers={status.peers} mayOrder={model.mayOrder} ask={ask} />}
            <Traffic samples={model.samples} />
            <Upstreams
              upstreams={status.upstreams}
              overrides={status.overrides}
              health={model.health}
              mayOrder={model.mayOrder}
              ask={ask}
            />
            <div class="columns">
              <Listeners listeners={status.listeners} mayOrder={model.mayOrder} ask={ask} />
              <Certificates tls={status.tls} at={status.at} />
            </div>
            <Errors status={status} samples={model.samples} failed={model.failed} />
            <Events events={model.events} />
          </>
        )}
      </main>
      <div class="notices" role="status" aria-live="polite">
        {notice !== null && <p class={`notice ${notice.isBad ? 'bad' : 'good'}`}>{notice.text}</p>}
      </div>
      {question !== null && (
        <ConfirmDialog
          question={question}
          close={(isMeant) => {
            setQuestion(null);
            if (isMeant) void store.order(question.path, question.query);
          }}
        />
      )}
      {isUnlocking && <TokenDialog store={store} close={() => setUnlocking(false)} />}
    </>
  );
}

/** What is asked of whoever looks: whether an order is meant, and for a token. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Store } from './store.ts';

/** An order that waits to be meant. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** On its button. */
  readonly verb: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** Asks whether an order is meant, and gives it. */
export type Ask = (question: Question) => void;

interface ModalProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

function Modal({ title, close, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

export function ConfirmDialog({
  question,
  close,
}: {
  readonly question: Question;
  readonly close: (isMeant: boolean) => void;
}) {
  return (
    <Modal title={question.title} close={() => close(false)}>
      <p>{question.text}</p>
      <div class="buttons">
        <button type="button" onClick={() => close(false)}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={() => close(true)}>
          {question.verb}
        </button>
      </div>
    </Modal>
  );
}

export function TokenDialog({ store, close }: { readonly store: Store; readonly close: () => void }) {
  const [why, setWhy] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const reason = await store.setToken(field.current?.value.trim() ?? '');
    if (reason === null) close();
    else setWhy(reason);
  };
  return (
    <Modal title="Give orders" close={close}>
      <form onSubmit={(event) => void submit(event)}>
        <p>
          Orders need a token: <code>evenkeel token add NAME --full</code> prints one. This tab keeps it until it is
          closed.
        </p>
        <label>
          Token
          <input ref={field} type="password" autocomplete="off" required aria-describedby="token-why" />
        </label>
        <p id="token-why" class="bad-text" role="alert">
          {why}
        </p>
        <div class="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Unlock
          </button>
        </div>
      </form>
    </Modal>
  );
}

import type { ComponentChildren, TargetedEvent } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { problemText } from '../problem-text.ts';
import { texts } from '../texts.ts';

interface DialogProps {
  readonly title: string;
  /** Label of the button that does it. */
  readonly submit: string;
  readonly isDangerous?: boolean;
  /** Whether it stays open when it has been submitted, with an empty form. */
  readonly staysOpen?: boolean;
  /** What fails is shown in the dialog, which stays open. */
  readonly onSubmit: (fields: FormData) => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog with one form. */
export function Dialog({
  title,
  submit,
  isDangerous = false,
  staysOpen = false,
  onSubmit,
  onClose,
  children,
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const problem = useSignal('');
  const busy = useSignal(false);
  const heading = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const run = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    busy.value = true;
    problem.value = '';
    try {
      await onSubmit(new FormData(form));
      if (staysOpen) form.reset();
      else onClose();
    } catch (error) {
      problem.value = problemText(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose} onKeyDown={(event) => event.stopPropagation()}>
      <form onSubmit={(event) => void run(event)}>
        <h2 id={heading}>{title}</h2>
        {children}
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {staysOpen ? texts.actions.close : texts.actions.cancel}
          </button>
          <button class={isDangerous ? 'danger' : 'primary'} disabled={busy}>
            {submit}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** The text of a field of a form. */
export function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
}

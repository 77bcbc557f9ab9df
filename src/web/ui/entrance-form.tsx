import { useSignal } from '@preact/signals';
import type { ComponentChildren, TargetedEvent } from 'preact';
import { ApiError } from '../api.ts';
import { problemText } from '../problem-text.ts';
import { texts } from '../texts.ts';
import { textOf } from './dialog.tsx';
import { Logo } from './icon.tsx';
import { CodeField } from './second-factor.tsx';

interface EntranceFormProps {
  readonly title: string;
  readonly submit: string;
  /** Whether the password is a new one, which browsers then offer to make and to keep. */
  readonly isNew?: boolean;
  readonly onSubmit: (email: string, password: string, code?: string) => Promise<void>;
  readonly children?: ComponentChildren;
}

/** The page before one is signed in: an e-mail address and a password. */
export function EntranceForm({ title, submit, isNew = false, onSubmit, children }: EntranceFormProps) {
  const problem = useSignal('');
  const busy = useSignal(false);
  /** Set when the password was right, and the account needs a code, too. */
  const needsCode = useSignal(false);
  const run = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    busy.value = true;
    problem.value = '';
    try {
      const code = needsCode.value ? textOf(data, 'code') : undefined;
      await onSubmit(textOf(data, 'email'), textOf(data, 'password'), code);
    } catch (error) {
      if (!needsCode.value && error instanceof ApiError && error.code === 'code_required') {
        needsCode.value = true;
        return;
      }
      const isWrong = error instanceof ApiError && error.code === 'unauthorized';
      problem.value = isWrong ? texts.signIn.wrong : problemText(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void run(event)}>
        <Logo />
        <h1>{title}</h1>
        {children}
        <label>
          {texts.signIn.email}
          <input name="email" type="email" autocomplete="username" required autofocus />
        </label>
        <label>
          {texts.signIn.password}
          <input
            name="password"
            type="password"
            autocomplete={isNew ? 'new-password' : 'current-password'}
            minLength={isNew ? 8 : undefined}
            required
          />
        </label>
        {needsCode.value && (
          <>
            <p role="status">{texts.secondFactor.codeAtSignIn}</p>
            <CodeField isFocused />
          </>
        )}
        <p class="problem" role="alert">
          {problem}
        </p>
        <button class="primary" disabled={busy}>
          {submit}
        </button>
      </form>
    </main>
  );
}

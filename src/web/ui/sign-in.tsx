import { useSignal } from '@preact/signals';
import type { TargetedEvent } from 'preact';
import { ApiError } from '../api.ts';
import { useApp } from '../app-state.ts';
import { problemText } from '../problem-text.ts';
import { texts } from '../texts.ts';
import { textOf } from './dialog.tsx';
import { Logo } from './icon.tsx';

export function SignIn() {
  const { session } = useApp();
  const problem = useSignal('');
  const busy = useSignal(false);
  const submit = async (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    busy.value = true;
    problem.value = '';
    try {
      await session.signIn(textOf(data, 'email'), textOf(data, 'password'));
    } catch (error) {
      const isWrong = error instanceof ApiError && error.code === 'unauthorized';
      problem.value = isWrong ? texts.signIn.wrong : problemText(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>{texts.signIn.title}</h1>
        <label>
          {texts.signIn.email}
          <input name="email" type="email" autocomplete="username" required autofocus />
        </label>
        <label>
          {texts.signIn.password}
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <button class="primary" disabled={busy}>
          {texts.signIn.submit}
        </button>
      </form>
    </main>
  );
}

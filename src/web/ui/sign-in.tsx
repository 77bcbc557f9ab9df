import { useApp } from '../app-state.ts';
import { texts } from '../texts.ts';
import { EntranceForm } from './entrance-form.tsx';

export function SignIn() {
  const { session } = useApp();
  const { title, submit } = texts.signIn;
  return <EntranceForm title={title} submit={submit} onSubmit={(...given) => session.signIn(...given)} />;
}

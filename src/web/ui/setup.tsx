import { useApp } from '../app-state.ts';
import { texts } from '../texts.ts';
import { EntranceForm } from './entrance-form.tsx';

/** Makes the first account of a cloud. */
export function Setup() {
  const { session } = useApp();
  const { title, text, submit } = texts.setup;
  return (
    <EntranceForm title={title} submit={submit} isNew onSubmit={(email, password) => session.setUp(email, password)}>
      <p>{text}</p>
    </EntranceForm>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Usage } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { size } from '../format.ts';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';
import { Missing } from './missing.tsx';
import { SecondFactor } from './second-factor.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTitle } from './use-title.ts';

/** How much is stored, and the password. */
export function AccountPage() {
  const { api, session, spaces } = useApp();
  const state = session.state.value;
  useTitle(texts.account.title);
  useEffect(() => {
    spaces.current.value = undefined;
  }, []);
  const isChanging = useSignal(false);
  const usage = useLoaded<Usage>(
    () => api.json('GET', '/v1/usage'),
    ({ type }) => type === 'space',
  );
  if (usage.state === 'failed') return <Missing isGone={false} onRetry={() => void usage.reload()} />;
  return (
    <>
      <h1>{texts.account.title}</h1>
      <p>{typeof state === 'object' && state.account.email}</p>
      <div class="buttons start">
        <button type="button" onClick={() => (isChanging.value = true)}>
          {texts.account.changePassword}
        </button>
      </div>
      <div class="scroll">
        <SecondFactor />
        {usage.value.value !== undefined && <Stored usage={usage.value.value} />}
      </div>
      {isChanging.value && <PasswordDialog onClose={() => (isChanging.value = false)} />}
    </>
  );
}

function Stored({ usage: { quota, used, spaces, trash, files, damaged } }: { readonly usage: Usage }) {
  const rows: [string, number][] = [
    [texts.places.sync, spaces.sync],
    [texts.places.shared, spaces.shared],
    [texts.places.backups, spaces.backup],
    [texts.places.archive, spaces.archive],
    [texts.places.trash, trash],
  ];
  return (
    <section>
      <h2>{texts.account.usage}</h2>
      <p>{texts.account.used(size(used), size(quota), files)}</p>
      <progress aria-label={texts.account.usage} value={used} max={quota} />
      {damaged !== undefined && <p class="problem">{texts.account.damaged(damaged)}</p>}
      <dl class="facts">
        {rows.map(([name, bytes]) => (
          <>
            <dt>{name}</dt>
            <dd>{size(bytes)}</dd>
          </>
        ))}
      </dl>
      <p class="quiet">{texts.account.once}</p>
    </section>
  );
}

function PasswordDialog({ onClose }: { readonly onClose: () => void }) {
  const { notices, session } = useApp();
  const change = async (fields: FormData) => {
    await session.changePassword(textOf(fields, 'password'), textOf(fields, 'next'));
    notices.show(texts.account.changed);
  };
  return (
    <Dialog title={texts.account.changePassword} submit={texts.account.change} onSubmit={change} onClose={onClose}>
      <label>
        {texts.account.present}
        <input name="password" type="password" autocomplete="current-password" required autofocus />
      </label>
      <label>
        {texts.account.next}
        <input name="next" type="password" autocomplete="new-password" minLength={8} maxLength={1000} required />
      </label>
      <p class="quiet">{texts.account.ends}</p>
    </Dialog>
  );
}

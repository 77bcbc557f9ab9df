import { useComputed } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { shown, size } from '../format.ts';
import { texts } from '../texts.ts';
import type { Upload, UploadState } from '../upload/upload.ts';
import { Button } from './button.tsx';

/** Uploads that are listed one by one. */
const LISTED = 50;
/** What needs the user comes first. */
const ORDER: Readonly<Record<UploadState, number>> = {
  exists: 0,
  taken: 0,
  failed: 1,
  paused: 2,
  sending: 2,
  waiting: 3,
  done: 4,
  skipped: 4,
  cancelled: 4,
};

/** What is being uploaded, while there is something to say about it. */
export function UploadPanel() {
  const { uploads } = useApp();
  const listed = useComputed(() =>
    uploads.all.value.toSorted((a, b) => ORDER[a.state.value] - ORDER[b.state.value]).slice(0, LISTED),
  );
  const done = useComputed(() => uploads.all.value.filter(({ state }) => state.value === 'done').length);
  const total = uploads.all.value.length;
  if (total === 0) return null;
  return (
    <section class="uploads" aria-label={texts.upload.title}>
      <header>
        <h2>
          <span role="status">{texts.upload.summary(done.value, total)}</span>
        </h2>
        <Button icon="close" label={texts.upload.clear} onClick={() => uploads.clear()} />
      </header>
      <ul tabIndex={0} aria-label={texts.upload.title}>
        {listed.value.map((upload) => (
          <Item key={upload.id} upload={upload} />
        ))}
      </ul>
    </section>
  );
}

function Item({ upload }: { readonly upload: Upload }) {
  const { uploads } = useApp();
  const name = shown(upload.file.name);
  const state = upload.state.value;
  const problem = upload.problem.value;
  return (
    <li data-state={state}>
      <span class="what">
        <bdi>{name}</bdi>
        <small>{problem === '' ? stateText(upload) : problem}</small>
        {(state === 'sending' || state === 'paused') && (
          <progress
            max={Math.max(1, upload.file.size)}
            value={upload.sent.value}
            aria-label={texts.upload.progress(name)}
          />
        )}
      </span>
      {upload.isAsking.value && <Choices upload={upload} />}
      {(state === 'failed' || state === 'cancelled') && (
        <Button
          icon="restore"
          label={texts.actions.retry}
          title={texts.upload.retry(name)}
          onClick={() => uploads.retry(upload)}
        />
      )}
      {(state === 'waiting' || state === 'sending' || state === 'paused') && (
        <Button
          icon="close"
          label={texts.actions.cancel}
          title={texts.upload.cancel(name)}
          onClick={() => uploads.cancel(upload)}
        />
      )}
    </li>
  );
}

function stateText({ state, isAsking, file }: Upload): string {
  const text = texts.upload.states[state.value];
  return isAsking.value ? text : `${text}, ${size(file.size)}`;
}

function Choices({ upload }: { readonly upload: Upload }) {
  const { uploads } = useApp();
  return (
    <span class="choices">
      {upload.state.value === 'exists' && (
        <button type="button" onClick={() => uploads.decide(upload, 'replace')}>
          {texts.upload.replace}
        </button>
      )}
      <button type="button" onClick={() => uploads.decide(upload, 'keep-both')}>
        {texts.upload.keepBoth}
      </button>
      <button type="button" onClick={() => uploads.decide(upload, 'skip')}>
        {texts.upload.skip}
      </button>
    </span>
  );
}

import { useSignal } from '@preact/signals';
import { remaining } from '../../daemon/control/rates.ts';
import { size } from '../format.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Logo } from '../ui/icon.tsx';
import { AttentionList } from './attention.tsx';
import { Backups } from './backups.tsx';
import { DriveFacts, LimitsForm } from './drive.tsx';
import { LogTail } from './log-tail.tsx';
import { Pins } from './pins.tsx';
import { usePage, type Snapshot } from './page-state.ts';
import { texts } from './texts.ts';

/** What Fjord does on this computer, and what needs a person. */
export function StatusPage() {
  const { snapshot, problem, failure, isEnded } = usePage();
  const now = snapshot.value;
  if (problem.value === 'signed-out') return <p class="hint">{texts.signedOut}</p>;
  if (isEnded.value) return <p class="hint">{texts.ended}</p>;
  if (now === undefined) return <p class="hint">{problem.value === 'gone' ? texts.gone : texts.loading}</p>;
  return (
    <main class="status">
      <header>
        <Logo />
        <h1>{texts.title}</h1>
        <Quit />
      </header>
      <Health snapshot={now} isGone={problem.value === 'gone'} />
      <p class="problem" role="alert">
        {failure}
      </p>
      <AttentionList snapshot={now} />
      <Backups status={now.status} />
      <Pins status={now.status} />
      <LimitsForm status={now.status} />
      <DriveFacts status={now.status} />
      <LogTail />
    </main>
  );
}

function Health({ snapshot, isGone }: { readonly snapshot: Snapshot; readonly isGone: boolean }) {
  const { status, rates } = snapshot;
  const things = status.open.issues;
  const isOffline = status.cloud.state === 'offline';
  const left = remaining(status);
  const { health } = texts;
  const work = status.queued.files > 0 ? health.working(status.queued.files, status.queued.bytes) : health.fine;
  const sentence = isGone ? texts.gone : things > 0 ? health.attention(things) : isOffline ? health.offline : work;
  const rest = left > 0 ? [health.rest(left), ...(rates.up >= 1024 ? [health.left(left / rates.up)] : [])] : [];
  const detail = [health.rates(`${size(rates.up)}/s`, `${size(rates.down)}/s`), ...rest];
  return (
    <div class="health" data-state={isGone || isOffline || things > 0 ? 'warning' : 'fine'}>
      <strong role="status">{sentence}</strong>
      {things > 0 && !isGone && <p>{isOffline ? health.offline : work}</p>}
      <small>{detail.join(', ')}</small>
    </div>
  );
}

function Quit() {
  const page = usePage();
  const asked = useSignal(false);
  return (
    <>
      <button type="button" onClick={() => (asked.value = true)}>
        {texts.quit}
      </button>
      {asked.value && (
        <Dialog
          title={texts.quitTitle}
          submit={texts.quit}
          isDangerous
          onSubmit={() => page.quit()}
          onClose={() => (asked.value = false)}
        >
          <p>{texts.quitText}</p>
        </Dialog>
      )}
    </>
  );
}

import { useSignal } from '@preact/signals';
import type { BackupSet, Status } from '../../daemon/control/wire.ts';
import { shown } from '../format.ts';
import { AddBackup } from './add-backup.tsx';
import { usePage } from './page-state.ts';
import { stateText, texts } from './texts.ts';

const { backups } = texts;

/** The folders of this computer that are backed up. */
export function Backups({ status }: { readonly status: Status }) {
  const adding = useSignal(false);
  return (
    <section>
      <h2>{backups.title}</h2>
      {status.backups.length === 0 ? (
        <p>{backups.none}</p>
      ) : (
        <ul class="cards">
          {status.backups.map((set) => (
            <Backup key={set.name} set={set} device={status.device} />
          ))}
        </ul>
      )}
      <div>
        <button type="button" onClick={() => (adding.value = true)}>
          {backups.add}
        </button>
      </div>
      {adding.value && <AddBackup onClose={() => (adding.value = false)} />}
    </section>
  );
}

function Backup({ set, device }: { readonly set: BackupSet; readonly device: string }) {
  const page = usePage();
  const { name, folder, schedule, state, verified } = set;
  const isPaused = state.doing === 'paused';
  const post = (path: string, body: object) => () => void page.run(() => page.api.post(path, body));
  return (
    <li>
      <span class="what">
        <strong>
          <bdi>{shown(name)}</bdi>
        </strong>
        <small>
          {shown(folder)}, {schedule}
        </small>
        <small>{stateText(set)}</small>
        <small>{verified === undefined ? backups.unverified : backups.verified(verified.at, verified.damaged)}</small>
        <small>{backups.restore(shown(device), shown(name))}</small>
        {state.doing === 'running' && state.progress !== undefined && (
          <progress
            max={Math.max(1, state.progress.total.bytes)}
            value={state.progress.done.bytes}
            aria-label={shown(name)}
          />
        )}
      </span>
      <span class="buttons">
        {isPaused ? (
          <button type="button" onClick={post('/backups/resume', { name })}>
            {backups.resume}
          </button>
        ) : (
          <>
            <button type="button" onClick={post('/backups/start', { name, confirm: false })}>
              {backups.run}
            </button>
            <button type="button" onClick={post('/backups/pause', { name })}>
              {backups.pause}
            </button>
          </>
        )}
      </span>
    </li>
  );
}

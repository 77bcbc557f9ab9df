import { useSignal } from '@preact/signals';
import type { BackupSet, Progress, Restored, Status, VerifyReport } from '../../daemon/control/wire.ts';
import { shown } from '../format.ts';
import { AddBackup, FolderDialog } from './add-backup.tsx';
import { usePage, type PageState } from './page-state.ts';
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
            <Backup key={set.name} set={set} />
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

function Backup({ set }: { readonly set: BackupSet }) {
  const page = usePage();
  const restoring = useSignal(false);
  const work = page.work.value.get(set.name);
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
        {work !== undefined && <small role="status">{work}</small>}
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
        {set.finished !== undefined && (
          <>
            <button type="button" onClick={() => void verify(page, name)}>
              {backups.verify}
            </button>
            <button type="button" onClick={() => (restoring.value = true)}>
              {backups.restore}
            </button>
          </>
        )}
      </span>
      {restoring.value && (
        <FolderDialog
          title={backups.restoreTitle(shown(name))}
          submit={backups.restoreHere}
          onChoose={async (folder) => void restore(page, name, folder)}
          onClose={() => (restoring.value = false)}
        >
          <p class="quiet">{backups.restoreText(shown(name))}</p>
        </FolderDialog>
      )}
    </li>
  );
}

/** Compares all of the set with its folder, content included. */
async function verify(page: PageState, name: string): Promise<void> {
  await page.follow(name, async (say) => {
    say(backups.verifying(0, 0));
    const findings = { changed: 0, damage: 0 };
    for await (const report of page.api.lines<VerifyReport>('/backups/verify', { name, share: 1 })) {
      if ('finding' in report) findings[report.finding.cause] += 1;
      else say(backups.verifying(report.progress.files, report.progress.bytes));
    }
    say(backups.found(findings.changed, findings.damage));
  });
}

type RestoreStep = { readonly progress: Progress } | { readonly restored: Restored };

async function restore(page: PageState, name: string, folder: string): Promise<void> {
  await page.follow(name, async (say) => {
    say(backups.restoring);
    const reports = page.api.lines<RestoreStep>('/backups/restore', { name, folder });
    for await (const report of reports) {
      if ('progress' in report) say(backups.restored(report.progress.done.files, report.progress.total.files));
      else say(backups.restoredTo(report.restored));
    }
  });
}

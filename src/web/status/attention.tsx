import type { BackupSet } from '../../daemon/control/wire.ts';
import { shown } from '../format.ts';
import { usePage, type PageState, type Snapshot } from './page-state.ts';
import { stateText, texts } from './texts.ts';

interface Action {
  readonly label: string;
  readonly run: (page: PageState) => Promise<void>;
}

/** Something that waits for a person. */
interface Attention {
  readonly key: string;
  /** A file, a folder or a set. */
  readonly subject: string;
  readonly text: string;
  readonly actions: readonly Action[];
}

const { attention } = texts;

/** Everything that waits for a person, the most urgent first. */
export function attentionOf({ status, conflicts, invitations }: Snapshot): Attention[] {
  const { mountProblem, stuck, held, damaged = 0, issues, parked, parkedCount } = status;
  return [
    ...(mountProblem === undefined ? [] : [notMounted(mountProblem)]),
    ...(stuck === undefined ? [] : [one('stuck', stuck, attention.stuck)]),
    ...held.map(({ space, files }) => one(`held ${space}`, space, attention.held(files), [confirm(attention.confirm)])),
    ...status.backups.flatMap(backupConcerns),
    ...invitations.map(({ id, name, owner }) =>
      one(id, name, attention.invitation(owner), [
        { label: attention.accept, run: ({ api }) => api.post('/shares/accept', { share: id }) },
        { label: attention.decline, run: ({ api }) => api.post('/shares/decline', { share: id }) },
      ]),
    ),
    ...parked.map(({ path, reason }, i) =>
      one(`parked ${path}`, path, `${attention.parked}: ${shown(reason)}`, i === 0 ? [retry] : []),
    ),
    ...(parkedCount > parked.length ? [one('more', '…', attention.more(parkedCount - parked.length))] : []),
    ...conflicts.map(({ path, original }) => one(`conflict ${path}`, path, attention.conflict(original))),
    ...issues.map(({ path, reason }) => one(`issue ${path}`, path, shown(reason))),
    ...(damaged > 0 ? [one('damaged', '', attention.damaged(damaged))] : []),
  ];
}

const retry: Action = { label: attention.retryAll, run: ({ api }) => api.post('/retry') };

function confirm(label: string): Action {
  return { label, run: ({ api }) => api.post('/confirm') };
}

function notMounted({ dir, reason }: { readonly dir: string; readonly reason: string }): Attention {
  const mount: Action = { label: attention.mount, run: ({ api }) => api.post('/mount', { dir }) };
  return one('mount', dir, `${attention.notMounted(dir)}: ${shown(reason)}`, [mount]);
}

function backupConcerns(set: BackupSet): Attention[] {
  const { name, state, problems, overdue } = set;
  const halted = state.doing === 'halted';
  const action: Action =
    halted && state.ends === 'confirm'
      ? confirm(attention.backupConfirm)
      : { label: attention.backupConfirm, run: ({ api }) => api.post('/backups/start', { name, confirm: true }) };
  return [
    ...(halted ? [one(`halted ${name}`, name, stateText(set), state.ends === 'disk' ? [] : [action])] : []),
    ...(state.doing === 'failing' && state.offline !== true ? [one(`failing ${name}`, name, stateText(set))] : []),
    ...(problems > 0 ? [one(`problems ${name}`, name, attention.backupProblems(problems))] : []),
    ...(overdue === undefined ? [] : [one(`overdue ${name}`, name, attention.overdue(overdue))]),
  ];
}

function one(key: string, subject: string, text: string, actions: readonly Action[] = []): Attention {
  return { key, subject: shown(subject), text, actions };
}

export function AttentionList({ snapshot }: { readonly snapshot: Snapshot }) {
  const page = usePage();
  const all = attentionOf(snapshot);
  if (all.length === 0) return null;
  return (
    <section>
      <h2>{attention.title}</h2>
      <ul class="cards">
        {all.map(({ key, subject, text, actions }) => (
          <li key={key}>
            <span class="what">
              <strong>
                <bdi>{subject}</bdi>
              </strong>
              <small>{text}</small>
            </span>
            <span class="buttons">
              {actions.map(({ label, run }) => (
                <button key={label} type="button" onClick={() => void page.run(() => run(page))}>
                  {label}
                </button>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

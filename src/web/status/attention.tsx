import type { OpenIssue, Status } from '../../daemon/control/wire.ts';
import { shown } from '../format.ts';
import { usePage, type PageState, type Snapshot } from './page-state.ts';
import { texts } from './texts.ts';

interface Action {
  readonly label: string;
  readonly run: (page: PageState) => Promise<void>;
}

const { attention } = texts;

/** The buttons of an issue; what has none shows its command. */
function actionsOf({ id, kind, path = '', better }: OpenIssue, status: Status): Action[] {
  const post = (label: string, call: string, body: object = {}): Action => ({
    label,
    run: ({ api }) => api.post(call, body),
  });
  switch (kind) {
    case 'conflict':
      return (['mine', 'theirs', 'both'] as const).map((keep) =>
        post(attention.keep[keep], '/issues/resolve', { id, keep }),
      );
    case 'parked':
      return [post(attention.retry, '/retry')];
    case 'held':
      return [post(attention.confirm, '/confirm')];
    case 'invitation':
      return [
        post(attention.accept, '/shares/accept', { share: path }),
        post(attention.decline, '/shares/decline', { share: path }),
      ];
    case 'name':
      return better === undefined
        ? []
        : [post(attention.rename(shown(better)), '/issues/resolve', { id, rename: better })];
    case 'mount':
      return [post(attention.mount, '/mount', { dir: path })];
    case 'folder':
      return status.folders.flatMap(({ folder, state }) => {
        const isAsked = folder === path && state.doing === 'halted' && state.ends === 'confirm';
        return isAsked ? [post(attention.confirm, '/confirm')] : [];
      });
    case 'backup':
      return status.backups.flatMap(({ folder, name, state }) => {
        if (folder !== path || state.doing !== 'halted' || state.ends === 'disk') return [];
        if (state.ends === 'confirm') return [post(attention.confirm, '/confirm')];
        return [post(attention.confirm, '/backups/start', { name, confirm: true })];
      });
    default:
      return [];
  }
}

/** What needs a person, then what is only advice, with the remedies. */
export function AttentionList({ snapshot }: { readonly snapshot: Snapshot }) {
  const urgent = snapshot.issues.filter(({ advice }) => advice !== true);
  const advice = snapshot.issues.filter((issue) => issue.advice === true);
  return (
    <>
      <Issues title={attention.title} issues={urgent} status={snapshot.status} />
      <Issues title={attention.advice} issues={advice} status={snapshot.status} />
    </>
  );
}

interface IssuesProps {
  readonly title: string;
  readonly issues: readonly OpenIssue[];
  readonly status: Status;
}

function Issues({ title, issues, status }: IssuesProps) {
  const page = usePage();
  if (issues.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul class="cards">
        {issues.map((issue) => {
          const actions = actionsOf(issue, status);
          return (
            <li key={issue.id}>
              <span class="what">
                <strong>
                  <bdi>{shown(issue.path ?? attention.all)}</bdi>
                </strong>
                <small>{shown(issue.cause)}</small>
                <small>{shown(issue.remedy)}</small>
                {actions.length === 0 && issue.command !== undefined && <code>{shown(issue.command)}</code>}
              </span>
              <span class="buttons">
                {actions.map(({ label, run }) => (
                  <button key={label} type="button" onClick={() => void page.run(() => run(page))}>
                    {label}
                  </button>
                ))}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

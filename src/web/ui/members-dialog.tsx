import type { MemberRecord, Role } from '../../cloud/records.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { problemText } from '../problem-text.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Dialog, textOf } from './dialog.tsx';
import { useLoaded } from './use-loaded.ts';

interface MembersDialogProps {
  /** The folder of Sync. */
  readonly node: string;
  readonly name: string;
  readonly onClose: () => void;
}

/** Who has a folder. Its owner invites others, changes their roles and removes them. */
export function MembersDialog({ node, name, onClose }: MembersDialogProps) {
  const { sharing, session } = useApp();
  const problem = useSignal('');
  const { value, reload } = useLoaded(
    async () => (await sharing.shares()).find(({ place }) => place === node) ?? null,
    () => false,
  );
  const state = session.state.value;
  const me = typeof state === 'object' ? state.account.email : '';
  const share = value.value;
  const isOwner = share === null || share?.role === 'owner';
  const act = (action: () => Promise<unknown>) =>
    void action()
      .then(() => (problem.value = ''))
      .catch((error: unknown) => (problem.value = problemText(error)))
      .finally(() => void reload());
  const invite = async (fields: FormData) => {
    await sharing.share(node, textOf(fields, 'email'), textOf(fields, 'role') === 'viewer' ? 'viewer' : 'editor');
    await reload();
  };
  return (
    <Dialog
      title={texts.shared.membersTitle(shown(name))}
      submit={isOwner ? texts.shared.invite : texts.actions.close}
      onSubmit={isOwner ? invite : async () => undefined}
      onClose={onClose}
    >
      {share !== null && share !== undefined && (
        <ul class="cards members">
          {share.members.map((member) => (
            <Member
              key={member.email}
              member={member}
              isMe={member.email === me}
              isOwner={isOwner}
              onRole={(role) => act(() => sharing.share(node, member.email, role))}
              onRemove={() => act(() => sharing.revoke(share, member.email))}
            />
          ))}
        </ul>
      )}
      {problem.value !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {isOwner && (
        <>
          <label>
            {texts.shared.email}
            <input name="email" type="email" required autocomplete="off" maxLength={254} />
          </label>
          <label>
            {texts.shared.role}
            <select name="role">
              <option value="editor">{texts.shared.editor}</option>
              <option value="viewer">{texts.shared.viewer}</option>
            </select>
          </label>
        </>
      )}
    </Dialog>
  );
}

interface MemberProps {
  readonly member: MemberRecord;
  readonly isMe: boolean;
  /** Whether the account may change the others. */
  readonly isOwner: boolean;
  readonly onRole: (role: 'editor' | 'viewer') => void;
  readonly onRemove: () => void;
}

function Member({ member, isMe, isOwner, onRole, onRemove }: MemberProps) {
  const { role, accepted } = member;
  const email = shown(member.email);
  const says = [
    texts.shared.roles[role],
    ...(accepted ? [] : [texts.shared.invited]),
    ...(isMe ? [texts.shared.you] : []),
  ];
  return (
    <li>
      <span class="what" title={email}>
        <bdi>{email}</bdi>
        <small>{says.join(', ')}</small>
      </span>
      {isOwner && role !== 'owner' && (
        <>
          <select
            aria-label={texts.shared.roleOf(email)}
            value={role}
            onChange={({ currentTarget }) => onRole(currentTarget.value as Exclude<Role, 'owner'>)}
          >
            <option value="editor">{texts.shared.roles.editor}</option>
            <option value="viewer">{texts.shared.roles.viewer}</option>
          </select>
          <Button icon="close" label={texts.shared.remove} title={texts.shared.removeOf(email)} onClick={onRemove} />
        </>
      )}
    </li>
  );
}

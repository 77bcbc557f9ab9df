import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LinkRecord, ShareRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { addressOf } from '../router.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { LinkCards } from './link-cards.tsx';
import { Missing } from './missing.tsx';
import { MembersDialog } from './members-dialog.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTitle } from './use-title.ts';

interface Shared {
  readonly shares: readonly ShareRecord[];
  readonly links: readonly LinkRecord[];
}

/** Invitations, shared folders, and public links. */
export function SharedPage() {
  const { sharing, spaces, attempt } = useBound();
  useTitle(texts.shared.title);
  useEffect(() => {
    spaces.current.value = undefined;
  }, []);
  const opened = useSignal<ShareRecord | undefined>(undefined);
  const leaving = useSignal<ShareRecord | undefined>(undefined);
  const { value, state, reload } = useLoaded<Shared>(
    async () => ({ shares: await sharing.shares(), links: await sharing.links() }),
    () => false,
  );
  if (state === 'failed' || state === 'missing') return <Missing isGone={false} onRetry={() => void reload()} />;
  const { shares = [], links = [] } = value.value ?? {};
  const act = (action: () => Promise<unknown>) => void attempt(async () => action().finally(() => void reload()));
  const invitations = shares.filter(({ accepted }) => !accepted);
  const folders = shares.filter(({ accepted }) => accepted);
  return (
    <>
      <h1>{texts.shared.title}</h1>
      <div class="scroll">
        {invitations.length > 0 && (
          <section>
            <h2>{texts.shared.invitations}</h2>
            <ul class="cards detailed">
              {invitations.map((share) => (
                <Invitation
                  key={share.space}
                  share={share}
                  onAccept={() => act(() => sharing.accept(share))}
                  onDecline={() => act(() => sharing.leave(share))}
                />
              ))}
            </ul>
          </section>
        )}
        <section>
          <h2>{texts.shared.folders}</h2>
          {value.value !== undefined && folders.length === 0 && <p class="hint">{texts.shared.none}</p>}
          {folders.length > 0 && (
            <ul class="cards">
              {folders.map((share) => (
                <Folder
                  key={share.space}
                  share={share}
                  onMembers={() => (opened.value = share)}
                  onLeave={() => (leaving.value = share)}
                />
              ))}
            </ul>
          )}
        </section>
        <section>
          <h2>{texts.links.title}</h2>
          {value.value !== undefined && links.length === 0 && <p class="hint">{texts.links.none}</p>}
          <LinkCards links={links} onRemove={(link) => act(() => sharing.unlink(link))} />
        </section>
      </div>
      {opened.value?.place !== undefined && (
        <MembersDialog node={opened.value.place} name={opened.value.name} onClose={() => (opened.value = undefined)} />
      )}
      {leaving.value !== undefined && (
        <LeaveDialog share={leaving.value} onLeft={() => void reload()} onClose={() => (leaving.value = undefined)} />
      )}
    </>
  );
}

function useBound() {
  const app = useApp();
  const { sharing, spaces } = app;
  return { sharing, spaces, attempt: (action: () => Promise<unknown>) => app.attempt(action) };
}

interface InvitationProps {
  readonly share: ShareRecord;
  readonly onAccept: () => void;
  readonly onDecline: () => void;
}

function Invitation({ share, onAccept, onDecline }: InvitationProps) {
  const name = shown(share.name);
  return (
    <li>
      <Icon name="shared" />
      <span class="what">
        <bdi>{name}</bdi>
        <small>{texts.shared.invitedBy(shown(share.owner), texts.shared.roles[share.role])}</small>
      </span>
      <button type="button" class="primary" aria-label={texts.shared.acceptOf(name)} onClick={onAccept}>
        {texts.shared.accept}
      </button>
      <Button icon="close" label={texts.shared.decline} title={texts.shared.declineOf(name)} onClick={onDecline} />
    </li>
  );
}

interface FolderProps {
  readonly share: ShareRecord;
  readonly onMembers: () => void;
  readonly onLeave: () => void;
}

function Folder({ share, onMembers, onLeave }: FolderProps) {
  const { spaces } = useApp();
  const { space, role, owner, members } = share;
  const name = shown(share.name);
  const root = spaces.all.value?.find(({ id }) => id === space)?.root;
  const says = role === 'owner' ? texts.shared.membersOf(members.length) : texts.shared.ownedBy(shown(owner));
  return (
    <li>
      <Icon name="shared" />
      <span class="what">
        {root === undefined ? (
          <bdi>{name}</bdi>
        ) : (
          <a href={addressOf({ page: 'folder', id: root })}>
            <bdi>{name}</bdi>
          </a>
        )}
        <small>{`${texts.shared.roles[role]}, ${says}`}</small>
      </span>
      <Button icon="people" label={texts.shared.members} title={texts.shared.membersTitle(name)} onClick={onMembers} />
      <Button
        icon="leave"
        label={role === 'owner' ? texts.shared.end : texts.shared.leave}
        title={role === 'owner' ? texts.shared.endOf(name) : texts.shared.leaveOf(name)}
        onClick={onLeave}
      />
    </li>
  );
}

interface LeaveDialogProps {
  readonly share: ShareRecord;
  readonly onLeft: () => void;
  readonly onClose: () => void;
}

function LeaveDialog({ share, onLeft, onClose }: LeaveDialogProps) {
  const { sharing } = useApp();
  const isOwner = share.role === 'owner';
  const name = shown(share.name);
  const leave = async () => {
    await (isOwner ? sharing.unshare(share) : sharing.leave(share));
    onLeft();
  };
  return (
    <Dialog
      title={isOwner ? texts.shared.endOf(name) : texts.shared.leaveOf(name)}
      submit={isOwner ? texts.shared.end : texts.shared.leave}
      isDangerous
      onSubmit={leave}
      onClose={onClose}
    >
      <p>{isOwner ? texts.shared.endText : texts.shared.leaveText}</p>
    </Dialog>
  );
}

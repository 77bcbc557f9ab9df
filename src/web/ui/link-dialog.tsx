import type { LinkRecord, NodeRecord, SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';
import { LinkCards } from './link-cards.tsx';
import { useLoaded } from './use-loaded.ts';

interface LinkDialogProps {
  readonly node: NodeRecord;
  readonly space: SpaceRecord;
  readonly onClose: () => void;
}

const DAY = 24 * 60 * 60 * 1000;
/** Days after which a link ends; 0: never. */
const ENDS = [0, 1, 7, 30, 365];

/** The public links of a file or folder, and a new one. It stays open, to copy the address. */
export function LinkDialog({ node, space, onClose }: LinkDialogProps) {
  const { sharing, notices } = useApp();
  const { value, reload } = useLoaded<readonly LinkRecord[]>(
    async () => (await sharing.links()).filter((link) => link.node === node.id),
    () => false,
  );
  const make = async (fields: FormData) => {
    const days = Number(textOf(fields, 'ends'));
    const password = textOf(fields, 'password');
    await sharing.link({
      node: node.id,
      ...(fields.has('upload') ? { upload: true } : {}),
      ...(password === '' ? {} : { password }),
      ...(days === 0 ? {} : { expires: Date.now() + days * DAY }),
    });
    notices.show(texts.links.made);
    await reload();
  };
  const remove = (link: LinkRecord) => void sharing.unlink(link).finally(() => void reload());
  const mayTake = node.kind === 'folder' && space.kind === 'sync' && node.mount === undefined;
  return (
    <Dialog
      title={texts.links.of(shown(node.name))}
      submit={texts.links.make}
      staysOpen
      onSubmit={make}
      onClose={onClose}
    >
      <LinkCards links={value.value ?? []} onRemove={remove} />
      <label>
        {texts.links.ends}
        <select name="ends">
          {ENDS.map((days) => (
            <option key={days} value={days}>
              {texts.links.days(days)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.links.password}
        <input name="password" type="password" autocomplete="new-password" maxLength={1000} />
      </label>
      {mayTake && (
        <label class="choice">
          <input name="upload" type="checkbox" />
          {texts.links.upload}
        </label>
      )}
    </Dialog>
  );
}

import type { NodeRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';
import { PasswordField } from './password-field.tsx';

interface ReplaceDialogProps {
  /** A file of a backup. */
  readonly node: NodeRecord;
  readonly onClose: () => void;
}

/** Asks for the new content of a file of a backup, and for the password, which is checked before anything is sent. */
export function ReplaceDialog({ node, onClose }: ReplaceDialogProps) {
  const { edits, uploads } = useApp();
  const replace = async (fields: FormData) => {
    const file = fields.get('file');
    if (!(file instanceof File)) return;
    const replaced = { node, password: textOf(fields, 'password') };
    await edits.replaceInBackup(replaced);
    uploads.replace(replaced, file);
  };
  return (
    <Dialog title={texts.replace.title} submit={texts.replace.submit} onSubmit={replace} onClose={onClose}>
      <p>
        <bdi>{shown(node.name)}</bdi>
      </p>
      <p>{texts.replace.text}</p>
      <label>
        {texts.replace.file}
        <input name="file" type="file" required />
      </label>
      <PasswordField />
    </Dialog>
  );
}

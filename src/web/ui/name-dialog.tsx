import { useRef } from 'preact/hooks';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';

interface NameDialogProps {
  readonly title: string;
  readonly label: string;
  readonly submit: string;
  readonly name: string;
  readonly onName: (name: string) => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks for a name. What is before the extension is selected. */
export function NameDialog({ title, label, submit, name, onName, onClose }: NameDialogProps) {
  const isSelected = useRef(false);
  const end = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
  return (
    <Dialog title={title} submit={submit} onSubmit={(fields) => onName(textOf(fields, 'name'))} onClose={onClose}>
      <label>
        {label}
        <input
          name="name"
          defaultValue={name}
          required
          autofocus
          autocomplete="off"
          dir="auto"
          onFocus={({ currentTarget }) => {
            if (!isSelected.current) currentTarget.setSelectionRange(0, end);
            isSelected.current = true;
          }}
        />
      </label>
    </Dialog>
  );
}

export function NewFolderDialog(props: Pick<NameDialogProps, 'onName' | 'onClose'>) {
  const { title, name } = texts.newFolder;
  return <NameDialog {...props} title={title} label={name} submit={texts.actions.create} name="" />;
}

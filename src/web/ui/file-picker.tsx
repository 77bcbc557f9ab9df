import { useEffect, useRef } from 'preact/hooks';
import { pickedFiles, type Picked } from '../upload/picked.ts';
import { Button } from './button.tsx';

interface FilePickerProps {
  readonly label: string;
  /** Chooses a folder with all that is in it. */
  readonly isFolder?: boolean;
  readonly onPick: (picked: Picked[]) => void;
}

/** A button that opens the browser's own chooser of files. */
export function FilePicker({ label, isFolder = false, onPick }: FilePickerProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current !== null) input.current.webkitdirectory = isFolder;
  }, []);
  return (
    <>
      <Button icon={isFolder ? 'upload-folder' : 'upload'} label={label} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        hidden
        multiple
        aria-label={label}
        onChange={({ currentTarget }) => {
          onPick(pickedFiles(currentTarget.files ?? []));
          // The same files may be chosen again.
          currentTarget.value = '';
        }}
      />
    </>
  );
}

/** Browsers of phones cannot choose folders. */
export const canPickFolders =
  'webkitdirectory' in HTMLInputElement.prototype && !/Android|iPhone/.test(navigator.userAgent);

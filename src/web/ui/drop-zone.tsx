import { useSignal } from '@preact/signals';
import type { ComponentChildren, TargetedDragEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import { texts } from '../texts.ts';
import { droppedFiles, hasFiles, pickedFiles, type Picked } from '../upload/picked.ts';

interface DropZoneProps {
  /** Absent: nothing can be dropped. */
  readonly onPick: ((picked: Picked[]) => void) | undefined;
  readonly children: ComponentChildren;
}

/** Takes files that are dragged here or pasted. */
export function DropZone({ onPick, children }: DropZoneProps) {
  const isOver = useSignal(false);
  useEffect(() => {
    if (onPick === undefined) return undefined;
    const paste = ({ clipboardData }: ClipboardEvent) => {
      if (hasFiles(clipboardData)) onPick(pickedFiles(clipboardData?.files ?? []));
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, [onPick === undefined]);
  const over = (event: TargetedDragEvent<HTMLDivElement>) => {
    if (onPick === undefined || !hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    isOver.value = true;
  };
  const drop = (event: TargetedDragEvent<HTMLDivElement>) => {
    isOver.value = false;
    const { dataTransfer: data } = event;
    if (onPick === undefined || data === null || !hasFiles(data)) return;
    event.preventDefault();
    void droppedFiles(data).then(onPick, () => undefined);
  };
  return (
    <div class="drop-zone" onDragOver={over} onDragLeave={() => (isOver.value = false)} onDrop={drop}>
      {children}
      {isOver.value && <p class="drop-hint">{texts.upload.dropHere}</p>}
    </div>
  );
}

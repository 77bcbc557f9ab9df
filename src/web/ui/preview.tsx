import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { size } from '../format.ts';
import { previewKind } from '../preview/kind.ts';
import { texts } from '../texts.ts';
import { PdfPreview } from './pdf-preview.tsx';
import { TextPreview } from './text-preview.tsx';

interface PreviewProps {
  readonly name: string;
  readonly version: string;
  /** Bytes. */
  readonly bytes: number;
}

/** Larger images are loaded only if wanted: this may be a phone. Bytes. */
const LARGE = 8_000_000;

/** What is in a version of a file, as far as the browser can show it without running anything of it. */
export function Preview({ name, version, bytes }: PreviewProps) {
  const isWanted = useSignal(bytes <= LARGE);
  const isBroken = useSignal(false);
  const kind = previewKind(name);
  if (kind === 'none' || bytes === 0) return null;
  const src = `/v1/versions/${version}/content`;
  const onError = () => (isBroken.value = true);
  if (isBroken.value) return <Frame>{texts.preview.broken}</Frame>;
  if (kind === 'audio') return <audio class="preview" controls preload="metadata" src={src} onError={onError} />;
  if (kind === 'video') return <video class="preview" controls preload="metadata" src={src} onError={onError} />;
  if (kind === 'pdf') return <PdfPreview src={src} onError={onError} />;
  if (kind !== 'image') return <TextPreview src={src} bytes={bytes} isMarkdown={kind === 'markdown'} />;
  if (isWanted.value) return <img class="preview" src={src} alt={texts.preview.image} onError={onError} />;
  return (
    <Frame>
      <button type="button" onClick={() => (isWanted.value = true)}>
        {texts.preview.show(size(bytes))}
      </button>
    </Frame>
  );
}

function Frame({ children }: { readonly children: ComponentChildren }) {
  return <p class="preview hint">{children}</p>;
}

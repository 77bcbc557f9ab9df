import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useApp } from '../app-state.ts';
import { size } from '../format.ts';
import { textOfBytes } from '../preview/text.ts';
import { texts } from '../texts.ts';

interface TextPreviewProps {
  readonly src: string;
  /** Of the whole file. */
  readonly bytes: number;
  readonly isMarkdown: boolean;
}

interface Shown {
  readonly text: string;
  readonly html: string | undefined;
}

/** What is shown of a long text, bytes. */
const START = 128 * 1024;

/** The beginning of a text; nothing if the file is none. */
export function TextPreview({ src, bytes, isMarkdown }: TextPreviewProps) {
  const { api } = useApp();
  const shown = useSignal<Shown | undefined>(undefined);
  const isWhole = bytes <= START;
  const load = async (signal: AbortSignal) => {
    const text = textOfBytes(await api.start(src, START, signal), isWhole);
    if (text === undefined) return;
    const html = isMarkdown && isWhole ? (await import('../preview/markdown.ts')).markdownToHtml(text) : undefined;
    if (!signal.aborted) shown.value = { text, html };
  };
  useEffect(() => {
    const stop = new AbortController();
    // The page has everything but this, and says by itself when there is no connection.
    void load(stop.signal).catch(() => undefined);
    return () => stop.abort();
  }, [src]);
  if (shown.value === undefined) return null;
  const { text, html } = shown.value;
  return (
    <section class="preview">
      {html === undefined ? (
        <pre tabIndex={0} aria-label={texts.preview.text}>
          {text}
        </pre>
      ) : (
        // oxlint-disable-next-line react/no-danger
        <div class="document" dangerouslySetInnerHTML={{ __html: html }} />
      )}
      {!isWhole && <p class="hint">{texts.preview.cut(size(START))}</p>}
    </section>
  );
}

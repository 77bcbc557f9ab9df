import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PdfFile } from '../preview/pdf.ts';
import { texts } from '../texts.ts';

interface PdfPreviewProps {
  readonly src: string;
  readonly onError: () => void;
}

/** The pages of a PDF below each other, each drawn when it comes near. */
export function PdfPreview({ src, onError }: PdfPreviewProps) {
  const file = useSignal<PdfFile | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const open = async () => {
      const { PdfFile } = await import('../preview/pdf.ts');
      const opened = await PdfFile.open(src, stop.signal);
      if (stop.signal.aborted) opened.close();
      else file.value = opened;
    };
    open().catch(() => stop.signal.aborted || onError());
    return () => {
      stop.abort();
      file.value?.close();
    };
  }, [src]);
  const opened = file.value;
  if (opened === undefined) return <p class="preview hint">{texts.list.loading}</p>;
  return (
    <div class="preview pages" tabIndex={0} role="group" aria-label={texts.preview.pages(opened.pages)}>
      {Array.from({ length: opened.pages }, (_, index) => (
        <Page key={index} file={opened} number={index + 1} />
      ))}
    </div>
  );
}

interface PageProps {
  readonly file: PdfFile;
  readonly number: number;
}

function Page({ file, number }: PageProps) {
  const place = useRef<HTMLDivElement>(null);
  const isNear = useSignal(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => (isNear.value = entries.some((one) => one.isIntersecting)), {
      rootMargin: '50%',
    });
    if (place.current !== null) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="sheet" ref={place} style={isNear.value ? {} : { aspectRatio: `${file.ratio}` }}>
      {isNear.value && <Drawn file={file} number={number} />}
    </div>
  );
}

function Drawn({ file, number }: PageProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const { current } = canvas;
    if (current === null) return undefined;
    const width = (current.parentElement?.clientWidth ?? 300) * devicePixelRatio;
    // A page that is damaged stays empty.
    file.draw(number, current, width, stop.signal).then(
      (drawn) => (text.value = drawn),
      () => undefined,
    );
    return () => stop.abort();
  }, []);
  return (
    <>
      <canvas
        ref={canvas}
        role="img"
        aria-label={texts.preview.page(number, file.pages)}
        data-drawn={text.value !== undefined}
        style={text.value === undefined ? { aspectRatio: `${file.ratio}` } : {}}
      />
      {/* What a canvas does not tell a screen reader. */}
      <p class="hidden">{text}</p>
    </>
  );
}

import type * as PdfJs from 'pdfjs-dist/legacy/build/pdf.mjs';

/** Where the build has put pdf.js (`vite.config.ts`). */
declare const PDF_FILES: string;

/** Most dots of a drawn page: some browsers draw nothing on a larger canvas. */
const DOTS = 16_000_000;

/**
 * A PDF that pdf.js draws. Nothing of it runs: its scripts, forms and links are left out, and the policy of the page allows no `eval`.
 */
export class PdfFile {
  readonly #document: PdfJs.PDFDocumentProxy;
  readonly #worker: Worker;
  /** Width by height of the first page. */
  readonly ratio: number;

  private constructor(document: PdfJs.PDFDocumentProxy, worker: Worker, ratio: number) {
    this.#document = document;
    this.#worker = worker;
    this.ratio = ratio;
  }

  /** Loads what is needed of it when it is needed. @throws if it is none, is damaged or has a password */
  static async open(src: string, signal: AbortSignal): Promise<PdfFile> {
    const files = new URL(PDF_FILES, location.href).href;
    const worker = new Worker(`${files}pdf.worker.min.mjs`, { type: 'module' });
    try {
      const { getDocument, PDFWorker } = (await import(/* @vite-ignore */ `${files}pdf.min.mjs`)) as typeof PdfJs;
      const task = getDocument({
        url: new URL(src, location.href).href,
        worker: PDFWorker.create({ port: worker }),
        disableStream: true,
        disableAutoFetch: true,
        isEvalSupported: false,
        enableXfa: false,
        cMapUrl: `${files}cmaps/`,
        standardFontDataUrl: `${files}standard_fonts/`,
        wasmUrl: `${files}wasm/`,
        iccUrl: `${files}iccs/`,
      });
      signal.addEventListener('abort', () => worker.terminate(), { once: true });
      const document = await task.promise;
      const { width, height } = (await document.getPage(1)).getViewport({ scale: 1 });
      return new PdfFile(document, worker, width / height);
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  get pages(): number {
    return this.#document.numPages;
  }

  /** @param number from 1 @param width of the canvas on the screen, dots. Resolves to the text of the page. */
  async draw(number: number, canvas: HTMLCanvasElement, width: number, signal: AbortSignal): Promise<string> {
    const page = await this.#document.getPage(number);
    signal.throwIfAborted();
    const full = page.getViewport({ scale: 1 });
    const scale = Math.min(width / full.width, Math.sqrt(DOTS / (full.width * full.height)));
    const viewport = page.getViewport({ scale });
    canvas.width = Math.max(1, Math.floor(viewport.width));
    canvas.height = Math.max(1, Math.floor(viewport.height));
    const task = page.render({ canvas, viewport });
    signal.addEventListener('abort', () => task.cancel(), { once: true });
    await task.promise;
    const { items } = await page.getTextContent();
    return items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
  }

  close(): void {
    this.#worker.terminate();
  }
}

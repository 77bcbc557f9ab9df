import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const web = `${import.meta.dirname}/src/web`;

const PDFJS = `${import.meta.dirname}/node_modules/pdfjs-dist`;
const { version } = JSON.parse(readFileSync(`${PDFJS}/package.json`, 'utf8')) as { readonly version: string };
/** Where pdf.js is served, as its makers have built it: it is loaded with the first PDF. */
const PDF_FILES = `assets/pdf-${version}`;

/** pdf.js, and what it loads by its own names: fonts and encodings that documents leave out, and decoders. */
function pdfFiles(): Plugin {
  return {
    name: 'pdf-files',
    async generateBundle() {
      for (const name of ['pdf.min.mjs', 'pdf.worker.min.mjs']) {
        const source = await readFile(`${PDFJS}/legacy/build/${name}`);
        this.emitFile({ type: 'asset', fileName: `${PDF_FILES}/${name}`, source });
      }
      for (const folder of ['cmaps', 'iccs', 'standard_fonts', 'wasm']) {
        for (const name of await readdir(`${PDFJS}/${folder}`)) {
          // Only for browsers without WebAssembly.
          if (name.endsWith('.js')) continue;
          const source = await readFile(`${PDFJS}/${folder}/${name}`);
          this.emitFile({ type: 'asset', fileName: `${PDF_FILES}/${folder}/${name}`, source });
        }
      }
    },
  };
}

/**
 * Puts the style into the page, so that it shows something as soon as it has arrived itself: the style would take another round trip. The
 * service allows it by its hash (`src/cloud/server/http/web-app.ts`).
 */
function styleInPage(): Plugin {
  return {
    name: 'style-in-page',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const page = bundle['index.html'];
      if (page?.type !== 'asset') throw new Error('the page was not built');
      page.source = String(page.source).replace(
        /<link rel="stylesheet"[^>]* href="\/([^"]+)">/,
        (_link, name: string) => {
          const style = bundle[name];
          if (style?.type !== 'asset') throw new Error(`${name} was not built`);
          delete bundle[name];
          return `<style>${String(style.source).trim()}</style>`;
        },
      );
    },
  };
}

/** Bytes of a file up to which the best compression is worth its time. */
const COMPRESSED = 256 * 1024;

/** Compresses the app's own files once, instead of at the first visit after each start. They are read as they were written: Vite changes them to the last. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    async writeBundle({ dir = '.' }, bundle) {
      for (const name of Object.keys(bundle).filter((name) => /\.(html|js|mjs|css)$/.test(name))) {
        const bytes = await readFile(`${dir}/${name}`);
        if (bytes.length > COMPRESSED) continue;
        await writeFile(`${dir}/${name}.br`, await promisify(brotliCompress)(bytes, { params: BEST }));
      }
    },
  };
}

const BEST = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };

/** The service worker has a name of its own, at the top: it may control what is below its folder. */
const WITH_SERVICE_WORKER = {
  input: { index: `${web}/index.html`, sw: `${web}/offline/service-worker.ts` },
  output: {
    entryFileNames: ({ name }: { readonly name: string }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
  },
};

/**
 * Builds the web app of the cloud (`src/web`) to `dist/web`, which `fjord cloud serve` serves at `/`; and with `--mode status` the
 * status page of the gateway (`src/web/status`) to `dist/status`, which the gateway serves.
 */
// oxlint-disable-next-line import/no-default-export
export default defineConfig(({ mode }) => ({
  root: mode === 'status' ? `${web}/status` : web,
  publicDir: `${web}/public`,
  define: { PDF_FILES: JSON.stringify(`/${PDF_FILES}/`) },
  plugins: mode === 'status' ? [] : [pdfFiles(), styleInPage(), compressed()],
  build: {
    outDir: `${import.meta.dirname}/dist/${mode === 'status' ? 'status' : 'web'}`,
    emptyOutDir: true,
    target: 'es2022',
    // Neither is allowed by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    ...(mode === 'status' ? {} : { rollupOptions: WITH_SERVICE_WORKER }),
  },
  worker: { format: 'es' },
}));

import { readdir, readFile } from 'node:fs/promises';
import { defineConfig, type Plugin } from 'vite';

const web = `${import.meta.dirname}/src/web`;

const pdfjs = `${import.meta.dirname}/node_modules/pdfjs-dist`;

/** What pdf.js loads by its own names: fonts and encodings that documents leave out, and decoders. */
function pdfFiles(): Plugin {
  return {
    name: 'pdf-files',
    async generateBundle() {
      const { version } = JSON.parse(await readFile(`${pdfjs}/package.json`, 'utf8')) as { version: string };
      for (const folder of ['cmaps', 'iccs', 'standard_fonts', 'wasm']) {
        for (const name of await readdir(`${pdfjs}/${folder}`)) {
          // Only for browsers without WebAssembly.
          if (name.endsWith('.js')) continue;
          const source = await readFile(`${pdfjs}/${folder}/${name}`);
          this.emitFile({ type: 'asset', fileName: `assets/pdf-${version}/${folder}/${name}`, source });
        }
      }
    },
  };
}

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
  plugins: mode === 'status' ? [] : [pdfFiles()],
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

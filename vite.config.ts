import { defineConfig } from 'vite';

/** Builds the web app of the cloud (`src/web`) to `dist/web`, which `fjord cloud serve` serves at `/`. */
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
  root: `${import.meta.dirname}/src/web`,
  build: {
    outDir: `${import.meta.dirname}/dist/web`,
    emptyOutDir: true,
    target: 'es2022',
    // Neither is allowed by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
});

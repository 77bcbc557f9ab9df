import { defineConfig } from 'vite';

const web = `${import.meta.dirname}/src/web`;

/**
 * Builds the web app of the cloud (`src/web`) to `dist/web`, which `fjord cloud serve` serves at `/`; and with `--mode status` the
 * status page of the gateway (`src/web/status`) to `dist/status`, which the gateway serves.
 */
// oxlint-disable-next-line import/no-default-export
export default defineConfig(({ mode }) => ({
  root: mode === 'status' ? `${web}/status` : web,
  publicDir: `${web}/public`,
  build: {
    outDir: `${import.meta.dirname}/dist/${mode === 'status' ? 'status' : 'web'}`,
    emptyOutDir: true,
    target: 'es2022',
    // Neither is allowed by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
}));

import { render } from 'preact';
import { AppContext, AppState } from './app-state.ts';
import { App } from './ui/app.tsx';

const root = document.querySelector('#app');
if (root === null) throw new Error('the page has no place for the app');
// Without it the app works, but not without a connection. What it keeps need not compete with what is shown first.
const keep = (): void => void navigator.serviceWorker?.register('/sw.js').catch(() => undefined);
if (document.readyState === 'complete') keep();
else addEventListener('load', keep);
// What the page has shown so far, the app shows again until it knows who is signed in.
root.replaceChildren();
const state = new AppState();
state.start();
render(
  <AppContext.Provider value={state}>
    <App />
  </AppContext.Provider>,
  root,
);

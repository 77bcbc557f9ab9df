import { render } from 'preact';
import { AppContext, AppState } from './app-state.ts';
import { App } from './ui/app.tsx';

const root = document.querySelector('#app');
if (root === null) throw new Error('the page has no place for the app');
const state = new AppState();
state.start();
render(
  <AppContext.Provider value={state}>
    <App />
  </AppContext.Provider>,
  root,
);

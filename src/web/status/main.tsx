import { render } from 'preact';
import { PageContext, PageState } from './page-state.ts';
import { StatusPage } from './status-page.tsx';

const root = document.querySelector('#page');
if (root === null) throw new Error('the document has no place for the page');
const state = new PageState();
state.start();
render(
  <PageContext.Provider value={state}>
    <StatusPage />
  </PageContext.Provider>,
  root,
);

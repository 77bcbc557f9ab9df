import { effect } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { Api } from './api.ts';
import { Edits } from './edits.ts';
import { ChosenLayout } from './layout.ts';
import { Live } from './live.ts';
import { Notices } from './notices.ts';
import { problemText } from './problem-text.ts';
import { Router } from './router.ts';
import { Session } from './session.ts';
import { Sharing } from './sharing.ts';
import { Spaces } from './spaces.ts';
import { Thumbnails } from './thumbnails/thumbnails.ts';
import { Uploads } from './upload/uploads.ts';

/** What the pages stand on. */
export class AppState {
  readonly api = new Api();
  readonly session = new Session(this.api);
  readonly router = new Router();
  readonly live = new Live();
  readonly spaces = new Spaces(this.api, this.live);
  readonly edits = new Edits(this.api);
  readonly sharing = new Sharing(this.api);
  readonly layout = new ChosenLayout();
  readonly thumbnails = new Thumbnails();
  readonly notices = new Notices();
  readonly uploads = new Uploads(this.api, this.edits);

  start(): void {
    effect(() => {
      if (typeof this.session.state.value === 'string') this.live.close();
      else this.live.open();
    });
    void this.attempt(() => this.session.resume());
  }

  /** Runs an action of the user; what fails is said in a notice. Resolves to whether it succeeded. */
  async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.notices.show(problemText(error));
      return false;
    }
  }
}

export const AppContext = createContext<AppState | undefined>(undefined);

export function useApp(): AppState {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('outside of the app');
  return app;
}

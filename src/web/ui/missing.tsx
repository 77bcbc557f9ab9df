import { texts } from '../texts.ts';

interface MissingProps {
  /** It is not there; else it could not be loaded. */
  readonly isGone: boolean;
  readonly onRetry: () => void;
}

export function Missing({ isGone, onRetry }: MissingProps) {
  return (
    <div class="hint" role="alert">
      <h1>{isGone ? texts.missing : texts.failed}</h1>
      {isGone ? (
        <a href="/">{texts.home}</a>
      ) : (
        <button type="button" onClick={onRetry}>
          {texts.actions.retry}
        </button>
      )}
    </div>
  );
}

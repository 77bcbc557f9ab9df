import { useApp } from '../app-state.ts';
import { texts } from '../texts.ts';

export function Notice() {
  const app = useApp();
  const { text = '', undo } = app.notices.current.value ?? {};
  const take = () => {
    app.notices.clear();
    if (undo !== undefined) void app.attempt(undo);
  };
  return (
    <div class="notice" data-empty={text === ''}>
      <span role="status">{text}</span>
      {undo !== undefined && (
        <button type="button" onClick={take}>
          {texts.actions.undo}
        </button>
      )}
    </div>
  );
}

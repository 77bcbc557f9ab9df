import { useApp } from '../app-state.ts';

export function Notice() {
  const text = useApp().notices.current.value;
  return (
    <div class="notice" role="status" data-empty={text === ''}>
      {text}
    </div>
  );
}

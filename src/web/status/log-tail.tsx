import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { shown } from '../format.ts';
import { usePage } from './page-state.ts';
import { texts } from './texts.ts';

/** ms */
const REFRESH = 3000;

/** The end of the gateway's log, when it is asked for. */
export function LogTail() {
  const { api } = usePage();
  const isShown = useSignal(false);
  const lines = useSignal<readonly string[]>([]);
  useEffect(() => {
    if (!isShown.value) return undefined;
    const load = async (): Promise<void> => {
      lines.value = await api.get<string[]>('/log').catch(() => lines.value);
    };
    void load();
    const timer = setInterval(() => void load(), REFRESH);
    return () => clearInterval(timer);
  }, [isShown.value]);
  const { log } = texts;
  return (
    <section>
      <h2>{log.title}</h2>
      <div>
        <button type="button" aria-expanded={isShown.value} onClick={() => (isShown.value = !isShown.value)}>
          {isShown.value ? log.hide : log.show}
        </button>
      </div>
      {isShown.value && (
        <pre class="log" tabIndex={0}>
          {lines.value.length === 0 ? log.empty : lines.value.map((line) => shown(line)).join('\n')}
        </pre>
      )}
    </section>
  );
}

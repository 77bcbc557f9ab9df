import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Freed, Status } from '../../daemon/control/wire.ts';
import { shown } from '../format.ts';
import { usePage } from './page-state.ts';
import { texts } from './texts.ts';

const { pins } = texts;

/** What is kept on this computer, and what may leave its disk. */
export function Pins({ status }: { readonly status: Status }) {
  const page = usePage();
  const field = useRef<HTMLInputElement>(null);
  const freed = useSignal('');
  const path = (): string => field.current?.value.trim() ?? '';
  const pin = (at: string, pinned: boolean) => {
    freed.value = '';
    void page.run(() => page.api.post('/pins', { path: at, pinned }));
  };
  const free = () =>
    void page.run(async () => {
      freed.value = pins.freed(await page.api.send<Freed>('/free', { path: path() }));
    });
  return (
    <section>
      <h2>{pins.title}</h2>
      <p class="quiet">{pins.text}</p>
      {status.pins.paths.length > 0 && (
        <>
          <p>{pins.state(status.pins)}</p>
          <ul class="cards">
            {status.pins.paths.map((at) => (
              <li key={at}>
                <span class="what">
                  <bdi>{shown(at)}</bdi>
                </span>
                <button type="button" aria-label={pins.unpinOf(shown(at))} onClick={() => pin(at, false)}>
                  {pins.unpin}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      <form
        class="limits"
        onSubmit={(event) => {
          event.preventDefault();
          pin(path(), true);
        }}
      >
        <label>
          {pins.path}
          <input ref={field} name="path" required />
        </label>
        <span class="buttons start">
          <button>{pins.pin}</button>
          <button type="button" onClick={free}>
            {pins.free}
          </button>
        </span>
      </form>
      <p role="status">{freed}</p>
    </section>
  );
}

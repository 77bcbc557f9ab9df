import { useEffect } from 'preact/hooks';
import { shown } from '../format.ts';
import { texts } from '../texts.ts';

/** The title of the window. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? texts.product : `${shown(title)} – ${texts.product}`;
  }, [title]);
}

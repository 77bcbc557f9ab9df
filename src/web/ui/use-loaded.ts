import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { useApp } from '../app-state.ts';
import type { Push } from '../../cloud/records.ts';

export interface Loaded<T> {
  readonly value: Signal<T | undefined>;
  readonly state: 'loading' | 'ready' | 'missing' | 'failed';
  /** Never rejects. */
  readonly reload: () => Promise<void>;
}

/** Something from the cloud, loaded again when a push event concerns it. */
export function useLoaded<T>(load: () => Promise<T>, concerns: (event: Push) => boolean): Loaded<T> {
  const { live } = useApp();
  const value = useSignal<T | undefined>(undefined);
  const state = useSignal<Loaded<T>['state']>('loading');
  const reload = async () => {
    try {
      value.value = await load();
      state.value = 'ready';
    } catch (error) {
      const isGone = error instanceof ApiError && (error.code === 'not_found' || error.code === 'gone');
      state.value = isGone ? 'missing' : value.value === undefined ? 'failed' : 'ready';
    }
  };
  useEffect(() => {
    void reload();
    return live.subscribe((event) => {
      if (event.type === 'spaces' || concerns(event)) void reload();
    });
  }, []);
  return { value, state: state.value, reload };
}

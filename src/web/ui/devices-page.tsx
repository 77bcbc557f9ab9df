import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { DeviceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { dateTime, shown } from '../format.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { Missing } from './missing.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTitle } from './use-title.ts';

/** Everything that has access to the account. */
export function DevicesPage() {
  const { api, spaces } = useApp();
  useTitle(texts.devices.title);
  useEffect(() => {
    spaces.current.value = undefined;
  }, []);
  const revoking = useSignal<DeviceRecord | undefined>(undefined);
  const { value, state, reload } = useLoaded<{ devices: DeviceRecord[] }>(
    () => api.json('GET', '/v1/devices'),
    () => false,
  );
  if (state === 'failed' || state === 'missing') return <Missing isGone={false} onRetry={() => void reload()} />;
  const { name = '', id } = revoking.value ?? {};
  return (
    <>
      <h1>{texts.devices.title}</h1>
      <p>{texts.devices.text}</p>
      <div class="scroll">
        <ul class="cards">
          {value.value?.devices.map((device) => (
            <Device key={device.id} device={device} onRevoke={() => (revoking.value = device)} />
          ))}
        </ul>
      </div>
      {id !== undefined && (
        <Dialog
          title={texts.devices.revokeTitle(shown(name))}
          submit={texts.devices.revoke}
          isDangerous
          onSubmit={async () => {
            await api.json('DELETE', `/v1/devices/${id}`);
            await reload();
          }}
          onClose={() => (revoking.value = undefined)}
        >
          <p>{texts.devices.revokeText}</p>
        </Dialog>
      )}
    </>
  );
}

function Device({ device, onRevoke }: { readonly device: DeviceRecord; readonly onRevoke: () => void }) {
  const { platform, seen, current } = device;
  const name = shown(device.name);
  const kind = platform === 'web' ? texts.devices.session : shown(platform);
  return (
    <li>
      <Icon name={platform === 'web' ? 'backups' : 'devices'} />
      <span class="what">
        <bdi>{name}</bdi>
        <small>{current ? texts.devices.current : `${kind}, ${texts.devices.seen(dateTime(seen))}`}</small>
      </span>
      {!current && (
        <Button icon="close" label={texts.devices.revoke} title={texts.devices.revokeOf(name)} onClick={onRevoke} />
      )}
    </li>
  );
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { NodeRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { previewKind } from '../preview/kind.ts';
import { Icon } from './icon.tsx';

/** Of larger pictures no thumbnail is made: all of them has to be loaded for it. Bytes. */
const LARGEST = 20_000_000;

/** What a file looks like if it is a picture, and its icon otherwise. */
export function Thumbnail({ node }: { readonly node: NodeRecord }) {
  const { kind, name, size, version, mount } = node;
  const isPicture = kind === 'file' && size > 0 && size <= LARGEST && previewKind(name) === 'image';
  const icon = <Icon name={mount === undefined ? kind : 'shared'} />;
  return isPicture && typeof version === 'string' ? <Picture key={version} version={version} icon={icon} /> : icon;
}

interface PictureProps {
  readonly version: string;
  /** Until the picture is there. */
  readonly icon: ReturnType<typeof Icon>;
}

function Picture({ version, icon }: PictureProps) {
  const { thumbnails } = useApp();
  const address = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const forget = thumbnails.want(version, (picture) => {
      if (picture !== undefined) address.value = URL.createObjectURL(picture);
    });
    return () => {
      forget();
      if (address.value !== undefined) URL.revokeObjectURL(address.value);
    };
  }, []);
  // The name is beside it.
  return address.value === undefined ? icon : <img src={address.value} alt="" draggable={false} />;
}

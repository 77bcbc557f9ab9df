import { texts } from '../texts.ts';
import { Icon, type IconName } from './icon.tsx';

interface ButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  /** What it is called where the label alone would be one of many. */
  readonly title?: string;
}

/** On a narrow screen only the icon shows. */
export function Button({ icon, label, title, onClick }: ButtonProps) {
  return (
    <button type="button" class="action" aria-label={title ?? label} title={title ?? label} onClick={onClick}>
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  );
}

interface DownloadLinkProps {
  readonly version: string;
  readonly label: string;
  readonly title?: string;
}

/** Downloads nodes, with what is in them, as one archive. */
export function ZipLink({ nodes }: { readonly nodes: readonly string[] }) {
  const label = texts.actions.downloadZip;
  return (
    <a class="action" href={`/v1/zip?nodes=${nodes.join(',')}`} download aria-label={label} title={label}>
      <Icon name="download" />
      <span>{texts.actions.download}</span>
    </a>
  );
}

/** Downloads a version of a file; the service says under which name. */
export function DownloadLink({ version, label, title }: DownloadLinkProps) {
  return (
    <a
      class="action"
      href={`/v1/versions/${version}/content`}
      download
      aria-label={title ?? label}
      title={title ?? label}
    >
      <Icon name="download" />
      <span>{label}</span>
    </a>
  );
}

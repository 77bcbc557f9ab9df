import type { LinkRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { dateTime, shown } from '../format.ts';
import { addressOf } from '../router.ts';
import { addressOfLink } from '../sharing.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

interface LinkCardsProps {
  readonly links: readonly LinkRecord[];
  readonly onRemove: (link: LinkRecord) => void;
}

/** Public links, to be copied and ended. */
export function LinkCards({ links, onRemove }: LinkCardsProps) {
  if (links.length === 0) return null;
  return (
    <ul class="cards detailed">
      {links.map((link) => (
        <LinkCard key={link.id} link={link} onRemove={() => onRemove(link)} />
      ))}
    </ul>
  );
}

function LinkCard({ link, onRemove }: { readonly link: LinkRecord; readonly onRemove: () => void }) {
  const { notices, session } = useApp();
  const name = shown(link.name);
  const state = session.state.value;
  const isMine = typeof state === 'object' && state.account.email === link.by;
  const says = [
    link.upload ? texts.links.takes : texts.links.shows,
    ...(link.password ? [texts.links.locked] : []),
    ...(link.expires === undefined ? [] : [texts.links.until(dateTime(link.expires))]),
    ...(isMine ? [] : [texts.links.by(shown(link.by))]),
    ...(link.active ? [] : [texts.links.inactive]),
  ];
  const copy = async () => {
    await navigator.clipboard.writeText(addressOfLink(link));
    notices.show(texts.links.copied);
  };
  return (
    <li>
      <Icon name={link.kind} />
      <span class="what">
        <a href={addressOf({ page: link.kind, id: link.node })}>
          <bdi>{name}</bdi>
        </a>
        <small title={addressOfLink(link)}>{says.join(', ')}</small>
      </span>
      <Button
        icon="copy"
        label={texts.links.copy}
        title={texts.links.copyOf(name)}
        onClick={() => void copy().catch(() => notices.show(addressOfLink(link)))}
      />
      <Button icon="close" label={texts.links.remove} title={texts.links.removeOf(name)} onClick={onRemove} />
    </li>
  );
}

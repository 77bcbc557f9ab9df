import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { LocationRecord, NodeRecord, VersionRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { dateTime, shown, size } from '../format.ts';
import { previewKind } from '../preview/kind.ts';
import { texts } from '../texts.ts';
import { Breadcrumbs } from './breadcrumbs.tsx';
import { Button, DownloadLink } from './button.tsx';
import { Icon } from './icon.tsx';
import { Missing } from './missing.tsx';
import { NodeActions, type OpenDialog } from './node-actions.tsx';
import { Preview } from './preview.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTitle } from './use-title.ts';

interface FileDetails {
  readonly location: LocationRecord;
  readonly versions: readonly VersionRecord[];
}

export function FilePage({ id }: { readonly id: string }) {
  const { api, router, spaces } = useApp();
  const dialog = useSignal<OpenDialog>(undefined);
  const space = useRef<string>(undefined);
  const { value, state, reload } = useLoaded<FileDetails>(
    async () => {
      const [location, { versions }] = await Promise.all([
        api.json<LocationRecord>('GET', `/v1/nodes/${id}`),
        api.json<{ versions: VersionRecord[] }>('GET', `/v1/nodes/${id}/versions`),
      ]);
      space.current = location.space.id;
      return { location, versions };
    },
    (event) => event.type === 'space' && event.space === space.current,
  );
  const details = value.value;
  const chosen = useSignal<string | undefined>(undefined);
  const version = versionOf(details?.versions ?? [], chosen.value);
  const show = (id: string) => (chosen.value = id);
  const node = details?.location.node;
  const leave = (changed: NodeRecord) => {
    if (changed.removed) router.go({ page: 'folder', id: changed.parent });
  };
  useTitle(node?.name ?? '');
  useEffect(() => {
    if (details !== undefined) spaces.show(details.location.space);
  }, [details?.location.space.id]);
  if (state === 'missing' || state === 'failed') {
    return <Missing isGone={state === 'missing'} onRetry={() => void reload()} />;
  }
  if (details === undefined || node === null || node === undefined) return <p class="hint">{texts.list.loading}</p>;
  return (
    <>
      <Breadcrumbs location={details.location} />
      <div class="toolbar">
        <NodeActions nodes={[node]} space={details.location.space} dialog={dialog} onChanged={leave} />
      </div>
      <article class="file">
        {version !== undefined && (
          <Preview key={version.id} name={node.name} version={version.id} bytes={version.size} />
        )}
        <Facts node={node} />
        {node.kind === 'file' && <Versions node={node} details={details} shown={version?.id} onShow={show} />}
      </article>
    </>
  );
}

/** The chosen version, or the current one if none is chosen or that was dropped meanwhile. */
function versionOf(versions: readonly VersionRecord[], chosen: string | undefined): VersionRecord | undefined {
  return versions.find(({ id }) => id === chosen) ?? versions.find(({ current }) => current);
}

function Facts({ node: { kind, size: bytes, mtime, target } }: { readonly node: NodeRecord }) {
  return (
    <dl class="facts">
      {target !== undefined && (
        <>
          <dt>{texts.file.linkTo}</dt>
          <dd>
            <bdi>{shown(target)}</bdi>
          </dd>
        </>
      )}
      {kind === 'file' && (
        <>
          <dt>{texts.file.size}</dt>
          <dd>{size(bytes)}</dd>
        </>
      )}
      <dt>{texts.file.modified}</dt>
      <dd>{dateTime(mtime)}</dd>
    </dl>
  );
}

interface VersionsProps {
  readonly node: NodeRecord;
  readonly details: FileDetails;
  /** The version that is shown above. */
  readonly shown: string | undefined;
  readonly onShow: (version: string) => void;
}

function Versions({ node, details: { location, versions }, shown: above, onShow }: VersionsProps) {
  const app = useApp();
  const restore = (version: string) =>
    app.attempt(async () => {
      await app.api.json('POST', `/v1/nodes/${node.id}/versions/${version}/restore`);
      app.notices.show(texts.file.restored);
    });
  return (
    <section>
      <h2>{texts.file.versions}</h2>
      <ul class="cards">
        {versions.map(({ id, created, current, size: bytes }) => {
          const time = dateTime(created);
          return (
            <li key={id}>
              <Icon name="file" />
              <span class="what">
                <strong>{current ? texts.file.current : texts.file.older}</strong>
                <small>
                  {`${time}, ${size(bytes)}`}
                  {above === id && versions.length > 1 && `, ${texts.preview.isShown}`}
                </small>
              </span>
              {above !== id && previewKind(node.name) !== 'none' && (
                <Button
                  icon="show"
                  label={texts.actions.show}
                  title={texts.preview.showVersion(time)}
                  onClick={() => onShow(id)}
                />
              )}
              <DownloadLink version={id} label={texts.actions.download} title={texts.file.downloadVersion(time)} />
              {!current && location.space.writable && (
                <Button
                  icon="restore"
                  label={texts.actions.restore}
                  title={texts.file.restoreVersion(time)}
                  onClick={() => void restore(id)}
                />
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

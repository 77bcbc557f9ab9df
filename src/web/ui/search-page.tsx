import { useEffect, useMemo } from 'preact/hooks';
import type { FoundNode, SearchRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { date, shown, size } from '../format.ts';
import { NameSearch } from '../name-search.ts';
import { addressOf } from '../router.ts';
import { texts } from '../texts.ts';
import { spaceTitle } from './breadcrumbs.tsx';
import { routeOfNode } from './entry-list.tsx';
import { Icon } from './icon.tsx';
import { useTitle } from './use-title.ts';

/** Most characters of a query. */
const LONGEST = 255;

/** Files and folders of all places by their names. */
export function SearchPage({ query }: { readonly query: string }) {
  const { api, router, spaces } = useApp();
  const search = useMemo(() => new NameSearch(api), []);
  useTitle(texts.search.title);
  useEffect(() => {
    spaces.current.value = undefined;
    search.start(query, 0);
    return () => search.close();
  }, []);
  const type = (text: string) => {
    router.go({ page: 'search', query: text }, 'replace');
    search.start(text);
  };
  const results = search.results.value;
  return (
    <>
      <h1>{texts.search.title}</h1>
      <input
        type="search"
        aria-label={texts.search.label}
        placeholder={texts.search.label}
        value={query}
        maxLength={LONGEST}
        autofocus
        autocomplete="off"
        dir="auto"
        onInput={({ currentTarget }) => type(currentTarget.value)}
      />
      <p class="summary" role="status">
        {search.state.value === 'failed' ? texts.failed : results !== undefined && summary(results)}
      </p>
      <div class="scroll">
        {results !== undefined && results.results.length > 0 && (
          <ul class="cards detailed">
            {results.results.map((found) => (
              <Result key={found.node.id} found={found} />
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

function summary({ results, complete }: SearchRecord): string {
  const found = texts.search.found(results.length);
  return complete ? found : `${found} ${texts.search.incomplete}`;
}

function Result({ found: { node, space: id, path } }: { readonly found: FoundNode }) {
  const { spaces } = useApp();
  const space = spaces.all.value?.find((one) => one.id === id);
  const above = path.slice(0, -1).map(({ name }) => shown(name));
  const place = [...(space === undefined ? [] : [shown(spaceTitle(space, spaces))]), ...above].join(' / ');
  return (
    <li>
      <Icon name={node.kind} />
      <a class="what" href={addressOf(routeOfNode(node, spaces))}>
        <bdi>{shown(node.name)}</bdi>
        <small>
          <bdi>{place}</bdi>
        </small>
        <small>{node.kind === 'file' ? `${size(node.size)}, ${date(node.mtime)}` : date(node.mtime)}</small>
      </a>
    </li>
  );
}

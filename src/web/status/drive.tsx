import type { TargetedEvent } from 'preact';
import type { Status } from '../../daemon/control/wire.ts';
import { dateTime, shown } from '../format.ts';
import { textOf } from '../ui/dialog.tsx';
import { usePage } from './page-state.ts';
import { texts, verifiedText } from './texts.ts';

/** Where the drive is, and what it takes. */
export function DriveFacts({ status }: { readonly status: Status }) {
  const { drive, states } = texts;
  const { account, device, cloud, mount, webdav, cache, usage, dir, version } = status;
  const since = cloud.since === undefined ? '' : `, since ${dateTime(cloud.since)}`;
  const why = cloud.reason === undefined ? since : `${since} (${shown(cloud.reason)})`;
  const facts: [string, string][] = [
    [drive.mount, mount ?? drive.notMounted],
    [drive.webdav, webdav.url],
    [drive.cloud, `${cloud.url}: ${states[cloud.state]}${why}`],
    [drive.verified, verifiedText(cloud.verified)],
    [drive.account, account],
    [drive.device, device],
    [drive.cache, drive.of(cache.used, cache.limit)],
    ...(usage === undefined ? [] : [[drive.usage, drive.of(usage.used, usage.quota)] as [string, string]]),
    [drive.data, dir],
    [drive.version, version],
  ];
  return (
    <section>
      <h2>{drive.title}</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{shown(value)}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

/** How many bytes per second are sent and received. */
export function LimitsForm({ status }: { readonly status: Status }) {
  const page = usePage();
  const { limits } = texts;
  const { up, down } = status.limits;
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const body = { up: textOf(fields, 'up'), down: textOf(fields, 'down') };
    void page.run(() => page.api.post('/limits', body));
  };
  return (
    <section>
      <h2>{limits.title}</h2>
      <form class="limits" onSubmit={submit} key={`${up.limit} ${down.limit}`}>
        <label>
          {limits.up}
          <input name="up" defaultValue={up.limit} />
        </label>
        <label>
          {limits.down}
          <input name="down" defaultValue={down.limit} />
        </label>
        <button>{limits.set}</button>
      </form>
    </section>
  );
}

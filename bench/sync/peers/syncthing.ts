import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, output, serve, stop } from '../../lib/process.ts';
import type { Contestant } from '../contestant.ts';

interface Device {
  readonly id: string;
  readonly home: string;
  readonly folder: string;
  readonly port: number;
}

/** Two of them, connected directly. Changes are sent after one second, the shortest delay that it has, not after ten. */
export const syncthing: Contestant = {
  id: 'syncthing',
  name: 'Syncthing',
  version: async () => /v(\d[\d.]+\d)/.exec(await output('syncthing', ['--version']))?.[1] ?? '?',
  start: async (dir) => {
    const devices = [await made(join(dir, 'a')), await made(join(dir, 'b'))];
    const children: ChildProcess[] = [];
    for (const device of devices) children.push(await run(device, devices));
    const [here = '', there = ''] = devices.map(({ folder }) => folder);
    return {
      here,
      there,
      stop: async () => void (await Promise.all(children.map((child) => stop(child)))),
    };
  },
};

async function made(dir: string): Promise<Device> {
  const [home, folder] = [join(dir, 'home'), join(dir, 'folder')];
  // Without this marker it takes the folder for an unmounted disk.
  await mkdir(join(folder, '.stfolder'), { recursive: true });
  await output('syncthing', ['generate', '--home', home, '--no-default-folder', '--skip-port-probing']);
  const id = (await output('syncthing', ['--home', home, '--device-id'])).trim();
  return { id, home, folder, port: await freePort() };
}

async function run({ id, home, folder, port }: Device, devices: readonly Device[]): Promise<ChildProcess> {
  const api = await freePort();
  const members = devices.map((device) => `<device id="${device.id}"/>`).join('');
  const addresses = devices.map((device) => {
    const address = `<address>tcp://127.0.0.1:${device.port}</address>`;
    return `<device id="${device.id}" name="${device.id === id ? 'own' : 'other'}">${address}</device>`;
  });
  const off = ['globalAnnounce', 'localAnnounce', 'relays', 'nat', 'crashReporting'].map(
    (what) => `<${what}Enabled>false</${what}Enabled>`,
  );
  const config = `<configuration version="36">
    <folder id="bench" path="${folder}" type="sendreceive" fsWatcherEnabled="true" fsWatcherDelayS="1">${members}</folder>
    ${addresses.join('\n')}
    <gui enabled="true"><address>127.0.0.1:${api}</address></gui>
    <options>
      <listenAddress>tcp://127.0.0.1:${port}</listenAddress>
      ${off.join('\n')}
      <urAccepted>-1</urAccepted>
      <startBrowser>false</startBrowser>
      <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
      <reconnectionIntervalS>1</reconnectionIntervalS>
      <setLowPriority>false</setLowPriority>
    </options>
  </configuration>`;
  await writeFile(join(home, 'config.xml'), config);
  return await serve(
    'syncthing',
    ['serve', '--home', home, '--no-browser', '--no-restart', '--logfile', join(home, 'log')],
    `http://127.0.0.1:${api}/`,
  );
}

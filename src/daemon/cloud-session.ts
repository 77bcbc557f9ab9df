import { Bandwidth } from '../cloud/http/bandwidth.ts';
import { HttpRemote } from '../cloud/http/http-remote.ts';
import type { Config } from './config.ts';
import { dataDir } from './data-dir.ts';
import { openLimits } from './limits/bandwidth-limits.ts';
import { Problem } from './problem.ts';
import { readDevice } from './secrets.ts';

/** The cloud of this computer's account, whether or not a gateway runs here. It has the
 * same limits of bandwidth as the gateway, but for itself. Close it. @throws Problem if there is no account */
export async function openCloud(config: Config): Promise<HttpRemote> {
  const dir = dataDir(config['data.dir']);
  const device = await readDevice(dir.device);
  if (device === undefined) {
    throw new Problem('usage', `${dir.root} belongs to no account yet; use \`fjord login EMAIL --cloud URL\``);
  }
  const url = config['cloud.url'] === '' ? device.url : config['cloud.url'];
  const bandwidth = new Bandwidth();
  await openLimits(config, dir, bandwidth);
  return new HttpRemote({ url, token: device.token, bandwidth, connections: config['cloud.connections'] });
}

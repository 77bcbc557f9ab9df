import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '../lib/peer.ts';
import { freePort, output, residentMemory, serve, stop } from '../lib/process.ts';

const MODULES = '/usr/lib/apache2/modules';

/** Apache's mod_dav over a plain folder, in the foreground, as its own user. */
export async function apache(dir: string): Promise<Peer> {
  const port = await freePort();
  await mkdir(join(dir, 'files'), { recursive: true });
  await chmod(dir, 0o777);
  await chmod(join(dir, 'files'), 0o777);
  const config = join(dir, 'httpd.conf');
  const modules = ['mpm_event', 'authz_core', 'dav', 'dav_fs', 'unixd'];
  // Which of these modules are built in depends on the distribution.
  const load = modules.map(
    (name) => `<IfModule !${name}_module>\nLoadModule ${name}_module ${MODULES}/mod_${name}.so\n</IfModule>`,
  );
  await writeFile(
    config,
    `${load.join('\n')}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${dir}/pid
ErrorLog ${dir}/error.log
User www-data
Group www-data
DocumentRoot ${dir}/files
DavLockDB ${dir}/locks
<Directory ${dir}/files>
  Dav On
  Require all granted
</Directory>
`,
  );
  const child = await serve('/usr/sbin/apache2', ['-f', config, '-DFOREGROUND'], `http://127.0.0.1:${port}/`);
  const version = (await output('/usr/sbin/apache2', ['-v'])).match(/Apache\/(\S+)/)?.[1] ?? '?';
  return {
    name: 'Apache mod_dav',
    version,
    url: `http://127.0.0.1:${port}/`,
    memory: () => residentMemory(child.pid ?? 0),
    stop: () => stop(child),
  };
}

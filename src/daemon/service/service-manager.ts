import { createHash } from 'node:crypto';
import { resolve, join } from 'node:path';
import { homedir } from 'node:os';
import { defaultDataDir } from '../config.ts';
import { Problem } from '../problem.ts';
import { Launchd } from './launchd.ts';
import type { ServiceManager, ServiceScope } from './service.ts';
import { systemTool } from './system-tool.ts';
import { Systemd } from './systemd.ts';
import { TaskScheduler } from './task-scheduler.ts';

export interface ServiceManagerOptions {
  readonly platform: NodeJS.Platform;
  readonly scope: ServiceScope;
  /** The data folder that the service is for. */
  readonly data: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** The service manager of this operating system. @throws Problem `failure` if Fjord does not support it */
export function serviceManager({ platform, scope, data, env, signal }: ServiceManagerOptions): ServiceManager {
  const common = { name: serviceName(data), scope, tool: systemTool(env, signal) };
  const user = scope === 'user';
  switch (platform) {
    case 'linux':
      return new Systemd({ ...common, folder: user ? join(configHome(env), 'systemd/user') : '/etc/systemd/system' });
    case 'darwin': {
      const folder = user ? join(homedir(), 'Library/LaunchAgents') : '/Library/LaunchDaemons';
      return new Launchd({ ...common, folder, uid: process.getuid?.() ?? 0 });
    }
    case 'win32':
      return new TaskScheduler({ ...common, folder: resolve(data) });
    default:
      throw new Problem('failure', `services are not supported on ${platform}; start \`fjord up\` by other means`);
  }
}

/** The name of the service for a data folder: `fjord` for the default one, with a digest of the path for any other. */
export function serviceName(data: string): string {
  const path = resolve(data);
  if (path === resolve(defaultDataDir)) return 'fjord';
  return `fjord-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
}

function configHome(env: NodeJS.ProcessEnv): string {
  const named = env['XDG_CONFIG_HOME'] ?? '';
  return named.startsWith('/') ? named : join(homedir(), '.config');
}

import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../problem.ts';
import type { ServiceDefinition, ServiceManager, ServiceScope, ServiceState } from './service.ts';
import { runTool, type SystemTool } from './system-tool.ts';
import { xmlText } from './xml-text.ts';

export interface LaunchdOptions {
  readonly name: string;
  readonly scope: ServiceScope;
  /** Folder of the property lists: LaunchAgents or LaunchDaemons. */
  readonly folder: string;
  /** The user's id, for a service of the user. */
  readonly uid: number;
  readonly tool: SystemTool;
}

/** Services of macOS: agents and daemons of launchd, through `launchctl`. */
export class Launchd implements ServiceManager {
  readonly file: string;
  readonly #label: string;
  readonly #domain: string;
  readonly #scope: ServiceScope;
  readonly #tool: SystemTool;

  constructor({ name, scope, folder, uid, tool }: LaunchdOptions) {
    this.#label = `local.${name}`;
    this.#domain = scope === 'user' ? `gui/${uid}` : 'system';
    this.#scope = scope;
    this.#tool = tool;
    this.file = join(folder, `${this.#label}.plist`);
  }

  describe(service: ServiceDefinition): string {
    return launchdPlist(this.#label, service);
  }

  async install(service: ServiceDefinition): Promise<string[]> {
    await mkdir(dirname(this.file), { recursive: true });
    await this.#bootOut();
    await writeFile(this.file, this.describe(service), { mode: 0o644 });
    await runTool(this.#tool, 'launchctl', 'bootstrap', this.#domain, this.file);
    return [];
  }

  async state(): Promise<ServiceState> {
    const installed = existsSync(this.file);
    const { code, stdout } = await this.#tool('launchctl', 'print', `${this.#domain}/${this.#label}`);
    return {
      installed,
      enabled: code === 0,
      running: code === 0 && /^\s*state = running$/m.test(stdout),
      starts: this.#scope === 'system' ? 'at boot' : 'at login',
    };
  }

  async remove(): Promise<void> {
    if (!existsSync(this.file)) throw new Problem('not-found', `${this.file}: the service is not installed`);
    await this.#bootOut();
    await rm(this.file);
  }

  /** Unloads the service. Does nothing if it is not loaded. */
  async #bootOut(): Promise<void> {
    await this.#tool('launchctl', 'bootout', `${this.#domain}/${this.#label}`);
  }
}

/** The text of a property list: launchd.plist(5). */
export function launchdPlist(label: string, { program, user }: ServiceDefinition): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  ${key('Label')}
  ${string(label)}
  ${key('ProgramArguments')}
  <array>
${program.map((argument) => `    ${string(argument)}\n`).join('')}  </array>
${user === undefined ? '' : `  ${key('UserName')}\n  ${string(user)}\n`}  ${key('RunAtLoad')}
  <true/>
  ${key('KeepAlive')}
  <dict>
    ${key('SuccessfulExit')}
    <false/>
  </dict>
  ${key('ThrottleInterval')}
  <integer>10</integer>
  ${key('ExitTimeOut')}
  <integer>120</integer>
</dict>
</plist>
`;
}

function key(name: string): string {
  return `<key>${xmlText(name)}</key>`;
}

function string(value: string): string {
  return `<string>${xmlText(value)}</string>`;
}

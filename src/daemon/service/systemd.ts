import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../problem.ts';
import type { ServiceDefinition, ServiceManager, ServiceScope, ServiceState } from './service.ts';
import { runTool, type SystemTool } from './system-tool.ts';

export interface SystemdOptions {
  readonly name: string;
  readonly scope: ServiceScope;
  /** Folder of the unit files. */
  readonly folder: string;
  readonly tool: SystemTool;
}

/** Services of Linux: units of systemd, through `systemctl`. */
export class Systemd implements ServiceManager {
  readonly file: string;
  readonly #unit: string;
  readonly #scope: ServiceScope;
  readonly #tool: SystemTool;

  constructor({ name, scope, folder, tool }: SystemdOptions) {
    this.#unit = `${name}.service`;
    this.file = join(folder, this.#unit);
    this.#scope = scope;
    this.#tool = tool;
  }

  describe(service: ServiceDefinition): string {
    return systemdUnit(service, this.#scope);
  }

  async install(service: ServiceDefinition): Promise<string[]> {
    await this.#requireSystemd();
    await mkdir(dirname(this.file), { recursive: true });
    await writeFile(this.file, this.describe(service), { mode: 0o644 });
    await this.#systemctl('daemon-reload');
    await this.#systemctl('enable', this.#unit);
    await this.#systemctl('restart', this.#unit);
    return this.#scope === 'user' ? this.#startAtBoot() : [];
  }

  async state(): Promise<ServiceState> {
    const installed = existsSync(this.file);
    const [enabled, active] = await Promise.all([this.#ask('is-enabled'), this.#ask('is-active')]);
    return {
      installed,
      enabled: enabled === 'enabled',
      running: active === 'active' || active === 'activating',
      starts: this.#scope === 'system' || (await this.#lingers()) ? 'at boot' : 'at login',
    };
  }

  async remove(): Promise<void> {
    if (!existsSync(this.file)) throw new Problem('not-found', `${this.file}: the service is not installed`);
    await this.#systemctl('disable', '--now', this.#unit);
    await rm(this.file);
    await this.#systemctl('daemon-reload');
    await this.#tool('systemctl', ...this.#arguments('reset-failed', this.#unit));
  }

  /** Makes the user's service manager start at boot. Without lingering it ends with the user's last session. */
  async #startAtBoot(): Promise<string[]> {
    const { code } = await this.#tool('loginctl', 'enable-linger');
    if (code === 0) return [];
    return ['it starts when you log in; `sudo loginctl enable-linger "$USER"` makes it start at boot'];
  }

  async #lingers(): Promise<boolean> {
    const { stdout } = await this.#tool('loginctl', 'show-user', '--property=Linger', '--value');
    return stdout.trim() === 'yes';
  }

  async #requireSystemd(): Promise<void> {
    const { code, stderr } = await this.#tool('systemctl', ...this.#arguments('show', '--property=Version'));
    if (code === 0) return;
    const reason = stderr.trim().split('\n')[0] ?? '';
    const other = 'start `fjord up` by other means, or write the unit elsewhere with `fjord service install --print`';
    throw new Problem('failure', `systemd does not run here (${reason}); ${other}`);
  }

  async #ask(verb: string): Promise<string> {
    return (await this.#tool('systemctl', ...this.#arguments(verb, this.#unit))).stdout.trim();
  }

  async #systemctl(...args: readonly string[]): Promise<void> {
    await runTool(this.#tool, 'systemctl', ...this.#arguments(...args));
  }

  #arguments(...args: readonly string[]): string[] {
    return this.#scope === 'user' ? ['--user', ...args] : [...args];
  }
}

/** The text of a unit: systemd.unit(5), systemd.service(5), systemd.syntax(7). */
export function systemdUnit(service: ServiceDefinition, scope: ServiceScope): string {
  const { description, program, user, mount } = service;
  return `# Written by \`fjord service install\`, and removed by \`fjord service remove\`.
[Unit]
Description=${description.replaceAll('%', '%%')}
${scope === 'system' ? 'Wants=network-online.target\nAfter=network-online.target\n' : ''}StartLimitIntervalSec=0

[Service]
${user === undefined ? '' : `User=${user}\n`}ExecStart=${program.map(argument).join(' ')}
# On SIGTERM queued changes are uploaded first; the rest is uploaded after the next start.
KillMode=mixed
TimeoutStopSec=2min
Restart=on-failure
RestartSec=2s
# Restarting does not help against wrong settings.
RestartPreventExitStatus=2
${mount === undefined ? '' : unmountAfter(mount)}# fusermount3 is set-uid: do not add NoNewPrivileges, nor what implies it (ProtectSystem, PrivateTmp, SystemCallFilter and others).

[Install]
WantedBy=${scope === 'user' ? 'default.target' : 'multi-user.target'}
`;
}

function unmountAfter(mount: string): string {
  return `# Removes the mount of a killed program.\nExecStopPost=-/usr/bin/env fusermount3 -uzq ${argument(mount)}\n`;
}

/**
 * Quotes an argument of a command line: `%` would start a specifier, `$` a variable, and control characters would end
 * the line.
 */
function argument(text: string): string {
  const escaped = text
    .replaceAll('$', '$$$$')
    .replaceAll('%', '%%')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return /^[\w@%+=:,./-]+$/.test(text) ? escaped : `"${escaped}"`;
}

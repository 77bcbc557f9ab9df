import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../problem.ts';
import type { ServiceDefinition, ServiceManager, ServiceScope, ServiceState } from './service.ts';
import { runTool, type SystemTool } from './system-tool.ts';
import { xmlText } from './xml-text.ts';

export interface TaskSchedulerOptions {
  readonly name: string;
  readonly scope: ServiceScope;
  /** Folder for the file from which the task is created. */
  readonly folder: string;
  readonly tool: SystemTool;
}

/** Services of Windows: tasks of the Task Scheduler, through `schtasks`. */
export class TaskScheduler implements ServiceManager {
  readonly file: string;
  readonly #task: string;
  readonly #scope: ServiceScope;
  readonly #tool: SystemTool;

  constructor({ name, scope, folder, tool }: TaskSchedulerOptions) {
    this.#task = `\\Fjord\\${name}`;
    this.#scope = scope;
    this.#tool = tool;
    this.file = join(folder, `${name}.xml`);
  }

  describe(service: ServiceDefinition): string {
    return taskXml(service, this.#scope);
  }

  async install(service: ServiceDefinition): Promise<string[]> {
    await mkdir(dirname(this.file), { recursive: true });
    // schtasks reads UTF-16 with a byte order mark.
    await writeFile(this.file, `\uFEFF${this.describe(service)}`, 'utf16le');
    await runTool(this.#tool, 'schtasks', '/Create', '/TN', this.#task, '/XML', this.file, '/F');
    await runTool(this.#tool, 'schtasks', '/Run', '/TN', this.#task);
    return [];
  }

  async state(): Promise<ServiceState> {
    const { code, stdout } = await this.#tool('schtasks', '/Query', '/TN', this.#task, '/FO', 'CSV', '/NH');
    return {
      installed: code === 0,
      enabled: code === 0 && !stdout.includes('"Disabled"'),
      running: code === 0 && stdout.includes('"Running"'),
      starts: this.#scope === 'system' ? 'at boot' : 'at login',
    };
  }

  async remove(): Promise<void> {
    if (!(await this.state()).installed) throw new Problem('not-found', `${this.#task}: the task is not installed`);
    await this.#tool('schtasks', '/End', '/TN', this.#task);
    await runTool(this.#tool, 'schtasks', '/Delete', '/TN', this.#task, '/F');
    await rm(this.file, { force: true });
  }
}

/** The text of a task: the Task Scheduler schema 1.2. */
export function taskXml({ description, program }: ServiceDefinition, scope: ServiceScope): string {
  const [executable, ...args] = program;
  const trigger = scope === 'system' ? 'BootTrigger' : 'LogonTrigger';
  const principal = scope === 'system' ? '<UserId>S-1-5-18</UserId>' : '<LogonType>InteractiveToken</LogonType>';
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${xmlText(description)}</Description>
  </RegistrationInfo>
  <Triggers>
    <${trigger}>
      <Enabled>true</Enabled>
    </${trigger}>
  </Triggers>
  <Principals>
    <Principal id="Author">
      ${principal}
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>${xmlText(executable)}</Command>
      <Arguments>${xmlText(args.map(windowsArgument).join(' '))}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** Quotes an argument for CommandLineToArgvW, to which backslashes are special only before a quotation mark. */
export function windowsArgument(text: string): string {
  if (/^[^\s"]+$/.test(text)) return text;
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

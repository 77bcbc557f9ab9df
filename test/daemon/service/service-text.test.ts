import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { defaultDataDir } from '../../../src/daemon/config.ts';
import { launchdPlist } from '../../../src/daemon/service/launchd.ts';
import { serviceName } from '../../../src/daemon/service/service-manager.ts';
import type { ServiceDefinition } from '../../../src/daemon/service/service.ts';
import { systemdUnit } from '../../../src/daemon/service/systemd.ts';
import { taskXml, windowsArgument } from '../../../src/daemon/service/task-scheduler.ts';
import { runCommand, tryCommand } from '../../helpers/run-command.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(300_000);

const odd = ['a b', '100%', '$HOME', '${HOME}', '"quoted"', 'back\\slash', "it's", '<&>', 'é', ';', '#', ''];
const service: ServiceDefinition = {
  name: 'fjord',
  description: 'Fjord, 100% yours <&>',
  program: ['/usr/bin/env', 'node', 'fjord', 'up', '--data', ...odd],
  mount: '/home/me/50% of it',
};

const systemd = await tryCommand('which', ['systemd-analyze']);

t.test('a unit of systemd is right', { skip: systemd.code !== 0 && 'there is no systemd-analyze' }, async (t) => {
  const dir = temporary(t);
  const unit = join(dir, 'fjord.service');
  for (const scope of ['user', 'system'] as const) {
    writeFileSync(unit, systemdUnit(scope === 'user' ? service : { ...service, user: 'root' }, scope));
    const env = { ...process.env, XDG_RUNTIME_DIR: dir };
    const { out, errors } = await tryCommand('systemd-analyze', ['verify', `--${scope}`, unit], { env });
    t.notMatch(out + errors, /fjord\.service/, scope);
  }
});

t.test('a property list of launchd is right', async (t) => {
  const file = join(temporary(t), 'fjord.plist');
  writeFileSync(file, launchdPlist('local.fjord', { ...service, user: 'me' }));
  const read = 'import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))))';
  t.match(JSON.parse(await runCommand('python3', ['-c', read, file])), {
    Label: 'local.fjord',
    ProgramArguments: service.program,
    UserName: 'me',
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
  });
});

t.test('a task of Windows is right', async (t) => {
  const file = join(temporary(t), 'fjord.xml');
  writeFileSync(file, `\uFEFF${taskXml(service, 'user')}`, 'utf16le');
  const read = `
import json, sys, xml.etree.ElementTree as tree
task = '{http://schemas.microsoft.com/windows/2004/02/mit/task}'
root = tree.parse(sys.argv[1]).getroot()
print(json.dumps([root.find(f'{task}Actions/{task}Exec/{task}{name}').text for name in ['Command', 'Arguments']]))`;
  const [executable, ...args] = service.program;
  const text = args.map(windowsArgument).join(' ');
  t.strictSame(JSON.parse(await runCommand('python3', ['-c', read, file])), [executable, text]);
});

t.test('Windows takes a command line apart as it was put together', async () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a" \\]*$/)), (args) => {
      const apart = commandLineToArguments(args.map(windowsArgument).join(' '));
      return apart.length === args.length && apart.every((arg, i) => arg === args[i]);
    }),
  );
});

t.test('each data folder has a service of its own', async (t) => {
  t.equal(serviceName(defaultDataDir), 'fjord');
  t.match(serviceName('/srv/fjord'), /^fjord-[\da-f]{8}$/);
  t.equal(serviceName('/srv/fjord/'), serviceName('/srv/fjord'));
  t.not(serviceName('/srv/fjord'), serviceName('/srv/fjord2'));
});

/** The rules that Microsoft documents for CommandLineToArgvW, for the arguments after the first. */
function commandLineToArguments(line: string): string[] {
  const args: string[] = [];
  let [text, quoted, begun] = ['', false, false];
  for (let i = 0; i < line.length;) {
    const slashes = /^\\*/.exec(line.slice(i))?.[0].length ?? 0;
    const next = line[i + slashes];
    if (next === '"') {
      text += '\\'.repeat(slashes >> 1);
      begun = true;
      if (slashes % 2 === 1) text += '"';
      else quoted = !quoted;
      i += slashes + 1;
    } else if (slashes > 0) {
      [text, begun] = [text + '\\'.repeat(slashes), true];
      i += slashes;
    } else if (next === ' ' && !quoted) {
      if (begun) args.push(text);
      [text, begun] = ['', false];
      i++;
    } else {
      [text, begun] = [text + (next ?? ''), true];
      i++;
    }
  }
  if (begun) args.push(text);
  return args;
}

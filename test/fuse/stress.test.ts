import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { tryCommand } from '../helpers/run-command.ts';

t.setTimeout(500_000);

const verify = '--verify=crc32c --verify_fatal=1 --output-format=terse';

const stressors = Object.entries({
  hdd: 'hdd-bytes 8m',
  iomix: 'iomix-bytes 8m',
  fallocate: 'fallocate-bytes 8m',
  readahead: 'readahead-bytes 8m',
  'sync-file': 'sync-file-bytes 8m',
})
  .map(([name, size]) => `--${name} 1 --${size}`)
  .join(' ');
const names = 'dentry dir dirdeep filename getdent open rename seek symlink touch utime flock lockf chmod'
  .split(' ')
  .map((name) => `--${name} 1`)
  .join(' ');

t.test('third-party stress programs, each if it is installed', { skip: withoutFuse() }, async (t) => {
  const kinds = {
    'when the file system answers at once': {},
    'when the file system lets everybody wait': { slow: true },
    'when the file system lends its files': { files: t.testdir() },
  };
  for (const [kind, options] of Object.entries(kinds)) {
    t.test(kind, async (t) => {
      const mount = await FuseProcess.start(options);
      t.teardown(() => mount.stop());
      const works = async (name: string, args: string): Promise<void> => {
        if ((await tryCommand('which', [name])).code !== 0) return void t.pass(`${name}: not installed`);
        const { code, out, errors } = await tryCommand(name, args.split(' '), { cwd: mount.dir, timeout: 100_000 });
        if (!t.equal(code, 0, `${name} ${args}`)) t.comment(`${out}\n${errors}`);
      };
      await works('fio', `--name=mixed --rw=randrw --bs=4k-128k --size=24m --numjobs=2 ${verify}`);
      await works(
        'fio',
        `--name=direct --rw=randwrite --bs=4k-64k --size=16m --direct=1 --ioengine=libaio --iodepth=8 ${verify}`,
      );
      await works('fio', `--name=mapped --rw=randwrite --bs=4k --size=8m --ioengine=mmap ${verify}`);
      await works('dbench', '-t 2 -D . 2');
      await works('stress-ng', `--temp-path . --timeout 3s --verify ${stressors} ${names}`);
      t.equal(mount.errors, '', 'no error was logged');
    });
  }
});

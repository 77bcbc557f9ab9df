import t from 'tap';
import { parseMounts } from '../../src/fuse/mount-table.ts';

t.test('mountinfo: optional fields, and escaped characters', async (t) => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '90 22 0:39 / /home/x/My\\040Drive rw,nosuid master:2 shared:5 - fuse.fjord a\\134b\\012c rw,user_id=0',
    '91 22 0:40 / /plain rw - tmpfs none rw',
    'nonsense',
    '',
  ].join('\n');
  t.strictSame(parseMounts(text), [
    { device: '8:1', dir: '/', type: 'ext4', source: '/dev/sda1' },
    { device: '0:39', dir: '/home/x/My Drive', type: 'fuse.fjord', source: 'a\\b\nc' },
    { device: '0:40', dir: '/plain', type: 'tmpfs', source: 'none' },
  ]);
});

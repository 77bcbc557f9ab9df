import t from 'tap';
import { loadLibrary, reasonOf } from '../../src/fuse/native/library.ts';
import { mountOptions } from '../../src/fuse/native/mount-options.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';

t.test('a library that does not load is reported with what to install', async (t) => {
  const told = (message: string, code?: string, platform: NodeJS.Platform = 'linux'): string =>
    reasonOf(Object.assign(new Error(message), { code }), platform);
  t.match(told("Cannot find package 'fuse-native'", 'ERR_MODULE_NOT_FOUND'), 'npm install fuse-native');
  const missing = 'libfuse.so.2: cannot open shared object file: No such file or directory';
  t.match(told(missing, 'ERR_DLOPEN_FAILED'), 'apt install libfuse2');
  t.match(told('dlopen(…/node.napi.node): Library not loaded: libosxfuse.2.dylib', undefined, 'darwin'), 'macFUSE');
  t.match(told('No native build was found for platform=linux arch=arm64'), 'no binary for linux');
  t.match(told('something else'), 'something else');
});

t.test('the package loads, or throws an FsError with the reason', async (t) => {
  try {
    t.type((await loadLibrary('/drive')).Fuse, 'function');
  } catch (error) {
    t.ok(isFsError(error, 'ENOTSUP'), String(error));
    t.match(error, { subject: '/drive', reason: /install|no binary/ });
  }
});

t.test('the kernel is told to cache nothing, and to use large writes', async (t) => {
  const linux = mountOptions({ name: 'a,b\\c', allowOther: false, platform: 'linux' });
  t.match(linux, /^-ofsname=a_b_c,/);
  t.match(linux, 'entry_timeout=0,attr_timeout=0,negative_timeout=0,big_writes');
  t.notMatch(linux, 'allow_other');
  const mac = mountOptions({ name: 'x', allowOther: true, platform: 'darwin' });
  t.notMatch(mac, 'big_writes');
  t.match(mac, /,allow_other$/);
});

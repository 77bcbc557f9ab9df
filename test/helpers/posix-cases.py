"""What system calls do in an empty folder, one line a case: the same script runs on a local disk and on the mount."""
import ctypes, errno, os, stat, sys, time

CASES = []


def case(run):
    CASES.append(run)
    return run


def code(call, *args, **named):
    """`ok`, or the name of the error."""
    try:
        call(*args, **named)
        return 'ok'
    except OSError as error:
        return errno.errorcode[error.errno]


def write(path, text='x', mode=0o644):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    os.write(fd, text.encode())
    os.close(fd)


def moved(paths, action):
    """Which of mtime and ctime an action moves: `path:mc`."""
    before = {path: os.lstat(path) for path in paths}
    time.sleep(0.03)
    result = action()
    told = []
    for path, old in before.items():
        new = os.lstat(path)
        told.append(f"{path}:{'m' * (new.st_mtime_ns != old.st_mtime_ns)}{'c' * (new.st_ctime_ns > old.st_ctime_ns)}")
    return ' '.join(([str(result)] if isinstance(result, str) else []) + told)


@case
def setgid_folder():
    os.mkdir('g'); os.chmod('g', 0o2775); os.mkdir('g/d', 0o755); write('g/f'); os.symlink('f', 'g/l')
    os.mknod('g/n', stat.S_IFREG | 0o644)
    return [oct(os.lstat(f'g/{name}').st_mode) for name in 'dfln'] + [len({os.lstat(f'g/{n}').st_gid for n in 'dfln'})]


@case
def folder_replaced_while_open():
    os.mkdir('a'); os.mkdir('b'); fd = os.open('b', os.O_RDONLY); os.rename('a', 'b')
    made = code(os.open, 'x', os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    return os.fstat(fd).st_nlink, code(os.listdir, fd), made, code(os.mkdir, 'x', dir_fd=fd), code(os.fchmod, fd, 0o700)


@case
def folder_removed_while_open():
    os.mkdir('a'); fd = os.open('a', os.O_RDONLY); os.rmdir('a')
    made = code(os.open, 'x', os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    return os.fstat(fd).st_nlink, code(os.listdir, fd), made, code(os.stat, 'x', dir_fd=fd), stat.S_ISDIR(os.fstat(fd).st_mode)


@case
def removed_working_folder():
    os.mkdir('w'); os.chdir('w'); os.rmdir('../w')
    return code(os.listdir, '.'), code(write, 'x'), code(os.mkdir, 'x'), os.stat('.').st_nlink, code(os.stat, 'x')


@case
def file_replaced_while_open():
    write('a', 'aaa'); write('b', 'b'); fd = os.open('b', os.O_RDWR); os.rename('a', 'b')
    return os.fstat(fd).st_nlink, os.pread(fd, 9, 0), code(os.ftruncate, fd, 3), os.fstat(fd).st_size, code(os.fchmod, fd, 0o600)


@case
def file_removed_while_open():
    write('a', 'abc'); fd = os.open('a', os.O_RDWR); os.unlink('a')
    os.write(fd, b'ABCD')
    return os.fstat(fd).st_nlink, os.fstat(fd).st_size, code(os.utime, fd, (1, 2)), code(os.stat, 'a')


@case
def removed_and_held_by_path_only():
    write('a', 'abc'); os.mkdir('d'); os.symlink('x', 'l')
    fds = [os.open(n, os.O_PATH | os.O_NOFOLLOW) for n in 'adl']
    os.unlink('a'); os.rmdir('d'); os.unlink('l')
    return [(os.fstat(fd).st_nlink, stat.S_IFMT(os.fstat(fd).st_mode)) for fd in fds]


@case
def times_of_atime_alone():
    write('f'); now = os.stat('f')
    return moved(['f', '.'], lambda: os.utime('f', ns=(5 * 10**9, now.st_mtime_ns))), os.stat('f').st_atime_ns


@case
def futimens_omit():
    write('f')
    libc = ctypes.CDLL(None, use_errno=True)
    omit, now = 0x3ffffffe, 0x3fffffff
    fd = os.open('f', os.O_RDONLY)
    def set_times(a, m):
        times = (ctypes.c_long * 4)(*a, *m)
        return libc.futimens(fd, times)
    return (moved(['f'], lambda: set_times((7, 0), (0, omit)) and None), int(os.stat('f').st_atime),
            moved(['f'], lambda: set_times((0, omit), (9, 0)) and None), int(os.stat('f').st_mtime),
            moved(['f'], lambda: set_times((0, now), (0, omit)) and None),
            moved(['f'], lambda: set_times((0, omit), (0, omit)) and None))


@case
def times_of_chmod():
    write('f'); os.mkdir('d')
    return moved(['f', 'd', '.'], lambda: (os.chmod('f', 0o600), os.chmod('d', 0o700)) and None)


@case
def times_of_chown():
    write('f'); os.symlink('f', 'l'); st = os.stat('f')
    return moved(['f', 'l', '.'], lambda: (os.chown('f', st.st_uid, st.st_gid), os.lchown('l', st.st_uid, -1)) and None)


@case
def chown_of_nothing():
    write('f')
    return moved(['f'], lambda: os.chown('f', -1, -1))


@case
def times_of_create():
    return moved(['.'], lambda: write('f')), moved(['.'], lambda: os.mkdir('d')), moved(['.'], lambda: os.symlink('f', 'l')), \
        moved(['.'], lambda: os.mknod('n', stat.S_IFREG | 0o644))


@case
def times_of_failed_create():
    write('f'); os.mkdir('d')
    return moved(['.', 'f'], lambda: code(os.mkdir, 'f')), moved(['.', 'd'], lambda: code(os.mkdir, 'd')), \
        moved(['.', 'f'], lambda: code(os.symlink, 'x', 'f')), moved(['.'], lambda: code(os.open, 'f', os.O_CREAT | os.O_EXCL))


@case
def times_of_unlink():
    write('f'); os.mkdir('d'); fd = os.open('f', os.O_RDONLY); old = os.fstat(fd)
    told = moved(['.'], lambda: os.unlink('f')), moved(['.'], lambda: os.rmdir('d'))
    return told, os.fstat(fd).st_ctime_ns > old.st_ctime_ns, os.fstat(fd).st_mtime_ns == old.st_mtime_ns


@case
def times_of_rename():
    os.mkdir('a'); os.mkdir('b'); write('a/f'); os.mkdir('a/d')
    before = os.stat('a/f'), os.stat('a/d')
    told = moved(['a', 'b'], lambda: os.rename('a/f', 'b/g')), moved(['a', 'b'], lambda: os.rename('a/d', 'b/e'))
    after = os.stat('b/g'), os.stat('b/e')
    return told, [a.st_mtime_ns == b.st_mtime_ns for a, b in zip(before, after)], [a.st_ino == b.st_ino for a, b in zip(before, after)], \
        [b.st_ctime_ns > a.st_ctime_ns for a, b in zip(before, after)]


@case
def times_of_rename_over():
    write('a', 'a'); write('b', 'b'); fd = os.open('b', os.O_RDONLY); old = os.fstat(fd)
    return moved(['.'], lambda: os.rename('a', 'b')), os.fstat(fd).st_ctime_ns > old.st_ctime_ns


@case
def rename_to_itself():
    write('f'); os.mkdir('d')
    return moved(['.', 'f', 'd'], lambda: (os.rename('f', 'f'), os.rename('d', 'd')) and None)


@case
def times_of_write():
    write('f', '')
    def go():
        fd = os.open('f', os.O_WRONLY); os.write(fd, b'x'); os.close(fd)
    def nothing():
        fd = os.open('f', os.O_WRONLY); os.write(fd, b''); os.close(fd)
    return moved(['f', '.'], go), moved(['f'], nothing)


@case
def times_of_read():
    write('f')
    return moved(['f', '.'], lambda: open('f').read() and None), moved(['.'], lambda: os.listdir('.') and None)


@case
def times_of_truncate():
    write('f', 'abc')
    def emptied():
        os.close(os.open('f', os.O_WRONLY | os.O_TRUNC))
    return moved(['f'], lambda: os.truncate('f', 1)), moved(['f'], lambda: os.truncate('f', 1)), moved(['f'], lambda: os.truncate('f', 100)), \
        moved(['f'], emptied), moved(['f'], emptied), code(os.truncate, 'f', -1), code(os.truncate, '.', 0), code(os.truncate, 'none', 0)


@case
def ftruncate_of_same_size():
    write('f', 'abc'); fd = os.open('f', os.O_RDWR); ro = os.open('f', os.O_RDONLY)
    return moved(['f'], lambda: os.ftruncate(fd, 3)), code(os.ftruncate, ro, 1)


@case
def errors_of_open():
    write('f'); os.mkdir('d'); os.symlink('loop', 'loop'); os.symlink('f', 'l'); os.symlink('none', 'dangling')
    W, C, X = os.O_WRONLY, os.O_CREAT, os.O_EXCL
    return code(os.open, 'none', 0), code(os.open, 'f/x', 0), code(os.open, 'd', W), code(os.open, 'd', C), code(os.open, 'loop', 0), \
        code(os.open, 'l', os.O_NOFOLLOW), code(os.open, 'f', C | X), code(os.open, 'l', C | X), code(os.open, 'dangling', C | X), \
        code(os.open, 'f', os.O_DIRECTORY), code(os.open, 'none/x', C), code(os.open, 'x' * 256, C | W), code(os.open, 'x' * 255, C | W), \
        code(os.open, 'd/', C | W), code(os.open, 'new/', C | W), code(os.open, 'dangling', C | W), os.path.exists('none')


@case
def errors_of_mkdir():
    write('f'); os.mkdir('d'); os.symlink('none', 'dangling')
    return [code(os.mkdir, p) for p in ('d', 'f', 'f/x', 'none/x', 'dangling', 'x' * 256, '.', 'd/..', 'n/')]


@case
def errors_of_rmdir():
    write('f'); os.mkdir('d'); os.mkdir('d/e'); os.symlink('d', 'l')
    return [code(os.rmdir, p) for p in ('f', 'd', 'l', 'none', 'f/x', '.', 'd/.', 'd/..', 'd/e/..', 'x' * 256, 'd/e')]


@case
def errors_of_unlink():
    write('f'); os.mkdir('d'); os.symlink('d', 'l')
    return [code(os.unlink, p) for p in ('d', 'none', 'f/x', 'd/', 'l/', 'f/', 'x' * 256, 'l', 'f')]


@case
def errors_of_symlink():
    write('f')
    return code(os.symlink, 'x', 'f'), code(os.symlink, '', 'e'), code(os.symlink, 'x' * 4095, 'long'), code(os.symlink, 'x' * 4096, 'more'), \
        code(os.symlink, 'x', 'none/l'), code(os.symlink, 'x', 'f/l'), code(os.symlink, 'x', 'y' * 256), code(os.readlink, 'f'), code(os.readlink, '.')


@case
def errors_of_rename():
    write('f'); os.mkdir('d'); os.mkdir('e'); write('e/f'); os.mkdir('d/in'); os.symlink('d', 'l')
    R = os.rename
    return code(R, 'none', 'x'), code(R, 'f', 'd'), code(R, 'd', 'f'), code(R, 'd', 'e'), code(R, 'd', 'd/in/x'), code(R, 'd', 'd/x'), \
        code(R, 'd/in', 'd'), code(R, 'f', 'none/x'), code(R, 'f', 'f/x'), code(R, 'f/x', 'y'), code(R, 'f', 'x' * 256), code(R, '.', 'x'), \
        code(R, 'd', '.'), code(R, 'f', 'f'), code(R, 'l', 'm'), code(R, 'd', 'l'), code(R, 'f', 'g/'), code(R, 'f/', 'g'), code(R, 'd/', 'k/'), \
        code(R, 'e', 'k'), code(R, 'k', 'e')


@case
def renameat2():
    write('a', 'a'); write('b', 'b'); os.mkdir('d'); write('d/x')
    libc = ctypes.CDLL(None, use_errno=True)
    def go(old, new, flags):
        r = libc.syscall(316, -100, old.encode(), -100, new.encode(), flags)
        return 'ok' if r == 0 else errno.errorcode[ctypes.get_errno()]
    return go('a', 'b', 1), go('a', 'c', 1), go('c', 'b', 2), open('b').read(), go('b', 'd', 2), os.path.isdir('b'), go('b', 'none', 2), \
        go('none', 'b', 2), go('b', 'c', 3), go('b', 'b/x', 2), go('d', 'd', 1), go('d', 'd', 2)


@case
def sticky_and_modes():
    write('f'); os.mkdir('d')
    told = []
    for mode in (0o0, 0o7777, 0o4755, 0o2755, 0o1644, 0o644):
        os.chmod('f', mode); os.chmod('d', mode); told += [oct(os.stat('f').st_mode), oct(os.stat('d').st_mode)]
    return told, code(os.chmod, 'none', 0), code(os.chmod, 'f/x', 0)


@case
def umask_and_creation():
    os.umask(0o027); write('f', mode=0o666); os.mkdir('d'); os.mknod('n', stat.S_IFREG | 0o777)
    return [oct(os.stat(n).st_mode) for n in 'fdn']


@case
def read_only_mode_while_open():
    fd = os.open('f', os.O_CREAT | os.O_RDWR, 0o400)
    os.write(fd, b'abc')
    return os.pread(fd, 9, 0), oct(os.fstat(fd).st_mode), code(os.ftruncate, fd, 1), os.fstat(fd).st_size


@case
def links_of_a_file():
    write('f')
    return os.stat('f').st_nlink


@case
def offsets():
    fd = os.open('f', os.O_CREAT | os.O_RDWR)
    os.pwrite(fd, b'x', 10); os.lseek(fd, 0, os.SEEK_END)
    append = os.open('f', os.O_WRONLY | os.O_APPEND); os.lseek(append, 0, 0); os.write(append, b'y')
    return os.pread(fd, 20, 0), os.fstat(fd).st_size, code(os.pread, fd, 1, -1), code(os.lseek, fd, -1, 0), os.pread(fd, 5, 100), \
        code(os.posix_fallocate, fd, 0, 50), os.fstat(fd).st_size


@case
def big_times():
    write('f'); told = []
    for when in (-1, -2**31, 0, 1, 2**31, 2**32 + 5):
        os.utime('f', (when, when)); told.append(int(os.stat('f').st_mtime))
    os.utime('f', ns=(123456000, 987654000)); told.append(os.stat('f').st_mtime_ns)
    os.symlink('f', 'l'); os.utime('l', (3, 4), follow_symlinks=False)
    return told, int(os.lstat('l').st_mtime), code(os.utime, 'none'), code(os.utime, 'f/x')


@case
def names():
    told = []
    for name in ('a b', 'ü', 'e\u0301', '\u00e9', '-', '..x', '.x', 'a\nb', 'a\\b', 'a:b', 'con', 'x.', 'x ', '*'):
        told.append(code(write, name))
    return told, sorted(os.listdir('.'))


XATTRS = len(sys.argv) > 2 and sys.argv[2] == 'xattr'


def xattr_case(run):
    return case(run) if XATTRS else run


@xattr_case
def xattr_values():
    write('f'); S, G = os.setxattr, os.getxattr
    told = [code(S, 'f', 'user.empty', b''), G('f', 'user.empty'), code(S, 'f', 'user.a', b'1'), code(S, 'f', 'user.a', b'2', os.XATTR_CREATE),
            code(S, 'f', 'user.b', b'2', os.XATTR_REPLACE), code(S, 'f', 'user.a', b'3', os.XATTR_REPLACE), G('f', 'user.a'),
            code(G, 'f', 'user.none'), code(os.removexattr, 'f', 'user.none'), code(S, 'f', 'user.', b'x'), code(G, 'f', 'user.'),
            code(S, 'f', 'user.' + 'x' * 250, b'x'), code(S, 'f', 'user.' + 'x' * 251, b'x'), code(G, 'f', 'user.' + 'x' * 251),
            code(S, 'f', 'user.big', b'x' * 65537), code(S, 'f', 'nonsense', b'x'), code(G, 'f', 'nonsense'), code(S, 'f', 'bad.name', b'x'),
            code(S, 'none', 'user.a', b'x'), code(S, 'f', '', b'x'), code(S, 'f', 'user.a', b'4', 3)]
    return told, sorted(os.listxattr('f'))


@xattr_case
def xattr_sizes():
    write('f'); os.setxattr('f', 'user.a', b'12345'); libc = ctypes.CDLL(None, use_errno=True)
    def get(size):
        n = libc.getxattr(b'f', b'user.a', ctypes.create_string_buffer(100), size)
        return n if n >= 0 else errno.errorcode[ctypes.get_errno()]
    def names(size):
        n = libc.listxattr(b'f', ctypes.create_string_buffer(100), size)
        return n if n >= 0 else errno.errorcode[ctypes.get_errno()]
    return [get(n) for n in (0, 1, 4, 5, 100)], [names(n) for n in (0, 1, 6, 7, 100)]


@xattr_case
def xattr_many():
    write('f')
    for i in range(100):
        os.setxattr('f', f'user.{i:04}', b'v%d' % i)
    told = len(os.listxattr('f')), os.getxattr('f', 'user.0099')
    for i in range(100):
        os.removexattr('f', f'user.{i:04}')
    return told, os.listxattr('f')


@xattr_case
def xattr_on_links_and_folders():
    write('f'); os.mkdir('d'); os.symlink('f', 'l'); os.mkdir('s'); os.chmod('s', 0o1777)
    return code(os.setxattr, 'd', 'user.a', b'x'), code(os.setxattr, 'l', 'user.a', b'x'), os.listxattr('f'), \
        code(os.setxattr, 'l', 'user.b', b'x', follow_symlinks=False), code(os.getxattr, 'l', 'user.a', follow_symlinks=False)


@xattr_case
def xattr_times():
    write('f')
    return moved(['f', '.'], lambda: os.setxattr('f', 'user.a', b'x')), moved(['f'], lambda: os.removexattr('f', 'user.a'))


@xattr_case
def xattr_of_a_removed_file():
    write('f'); fd = os.open('f', os.O_RDWR); os.setxattr(fd, 'user.a', b'x'); os.rename('f', 'g')
    return os.getxattr('g', 'user.a'), os.getxattr(fd, 'user.a')


top = os.path.abspath(sys.argv[1])
for run in CASES:
    at = os.path.join(top, run.__name__)
    os.mkdir(at)
    os.chdir(at)
    os.umask(0o022)
    try:
        told = run()
    except Exception as error:
        told = repr(error)
    print(f'{run.__name__}: {told}', flush=True)
    os.chdir(top)

"""Four programs at once that make, write, rename, exchange and remove each other's files: renames.py FOLDER SEED OPERATIONS"""
import ctypes, errno, multiprocessing, os, random, sys

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, RENAME_EXCHANGE = -100, 2
# What a program must expect while others work in the same folders.
EXPECTED = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ENOTEMPTY, errno.ELOOP, errno.EBUSY, errno.ESTALE}
WEIGHTS = dict(write=22, mkdir=16, move=14, replace=9, exchange=5, symlink=4, unlink=3, rmdir=2, save=7, unlinked=1, append=4, truncate=3, chmod=2, utime=2)


class Program:
    def __init__(self, top, seed):
        self.top, self.seed, self.random, self.open = top, seed, random.Random(seed), []

    def names(self, folder):
        try: return os.listdir(folder)
        except OSError: return []

    def folder(self):
        at = self.top
        while self.random.random() < 0.6:
            below = [os.path.join(at, name) for name in self.names(at)]
            below = [path for path in below if os.path.isdir(path) and not os.path.islink(path)]
            if not below: break
            at = self.random.choice(below)
        return at

    def new(self):
        return os.path.join(self.folder(), self.random.choice('abcdefghijklmn'))

    def old(self):
        at = self.top
        for _ in range(4):
            names = self.names(at)
            if not names: break
            at = os.path.join(at, self.random.choice(names))
            if self.random.random() < 0.35 or os.path.islink(at) or not os.path.isdir(at): break
        # Never the top itself, or nothing is left to do.
        if at == self.top: raise FileNotFoundError(errno.ENOENT, 'nothing is there')
        return at

    def write(self, _):
        with open(self.new(), 'wb') as file: file.write(self.random.randbytes(self.random.choice([0, 10, 500, 5000, 70000])))

    def mkdir(self, _): os.mkdir(self.new())
    def move(self, _): os.rename(self.old(), self.new())
    def replace(self, _): os.rename(self.old(), self.old())

    def exchange(self, _):
        if libc.renameat2(AT_FDCWD, self.old().encode(), AT_FDCWD, self.old().encode(), RENAME_EXCHANGE) != 0:
            raise OSError(ctypes.get_errno(), 'renameat2')

    def symlink(self, step): os.symlink(f't{step}', self.new())
    def unlink(self, _): os.unlink(self.old())
    def rmdir(self, _): os.rmdir(self.old())

    def save(self, step):
        path = self.old()
        with open(path + '.tmp', 'wb') as file: file.write(b'save %d %d' % (self.seed, step))
        try: os.rename(path + '.tmp', path)
        except OSError:
            os.unlink(path + '.tmp')
            raise

    def unlinked(self, _):
        path = self.old()
        self.open.append(open(path, 'r+b'))
        os.unlink(path)
        self.open[-1].write(b'gone')
        if len(self.open) > 5: self.open.pop(0).close()

    def append(self, _):
        with open(self.old(), 'ab') as file: file.write(b'more')

    def truncate(self, _): os.truncate(self.old(), self.random.choice([0, 7, 3000]))

    def chmod(self, _):
        path = self.old()
        os.chmod(path, 0o755 if os.path.isdir(path) else self.random.choice([0o600, 0o644, 0o755]))

    def utime(self, step): os.utime(self.old(), (1e9 + step, 1e9 + step))

    def run(self, operations):
        for step in range(operations):
            [name] = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
            try: getattr(self, name)(step)
            except OSError as error:
                if error.errno not in EXPECTED: raise
        for file in self.open: file.close()


if __name__ == '__main__':
    top, seed, operations = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.mkdir(top)
    programs = [multiprocessing.Process(target=Program(top, seed * 100 + n).run, args=(operations,)) for n in range(4)]
    for program in programs: program.start()
    for program in programs: program.join()
    sys.exit(any(program.exitcode for program in programs))

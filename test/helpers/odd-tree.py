"""Trees with every oddity that a POSIX file system has.

    odd-tree.py make DIR          fills a folder
    odd-tree.py rebuild DIR       makes what the JSON lines of the standard input say, parents first
    odd-tree.py list DIR          prints everything that a backup keeps, one JSON line for each node, in no order of the disk
    odd-tree.py deep DIR DEPTH    makes folders of 200 bytes in one another, with a file in each
"""
import base64, ctypes, json, os, socket, stat, subprocess, sys

b64 = lambda data: base64.b64encode(data).decode()
raw = base64.b64decode
root = os.geteuid() == 0


def write(path, data, **more):
    with open(path, 'wb') as file:
        file.write(data)


def make(top):
    os.chdir(os.fsencode(top))
    os.mkdir('empty')
    os.mkdir('folder')
    os.mkdir('folder/inner')
    write('plain', b'plain')
    write('none', b'')
    write('exact', b'e' * (1 << 20))
    write('folder/inner/deep', b'deep')
    for name in [b'caf\xe9', b'caf\\xE9', b'\xff\xfe', b'line\nfeed', b'tab\tquote"\'', 'é\u0301😀'.encode(), b' ', b'-rf', b'*?[a]',
                 b'\\', b'a\\', b'n' * 255, b'\xff' * 255, 'ü'.encode() * 127, b'\xef\xbf\xbd', b'\x01\x7f', b'%E9', b'..a', b'~', b'#x', b'!x']:
        write(name, b'content of ' + name)
    os.mkdir(b'fold\xe9r')
    write(b'fold\xe9r/in \xfc', b'inside')
    os.mkdir(b'\xfe' * 255)
    write(b'\xfe' * 255 + b'/in it', b'cut')
    os.mkdir(b'new\nline')
    write(b'new\nline/x', b'x')
    for mode in [0, 0o400, 0o755, 0o4755, 0o2711, 0o1777]:
        write(f'mode {mode:o}', b'm')
        os.chmod(f'mode {mode:o}', mode)
    os.mkdir('sticky')
    os.chmod('sticky', 0o1777)
    os.mkdir('group')
    os.chmod('group', 0o2755)
    os.symlink('plain', 'link')
    os.symlink('nowhere/../at all', 'dangling')
    os.symlink(b'caf\xe9', 'link to latin')
    os.symlink('t' * 4095, 'long link')
    os.symlink('/', b'l\xefnk')
    write('sparse', b'')
    os.truncate('sparse', 50 << 20)
    with open('sparse', 'r+b') as file:
        file.seek(30 << 20)
        file.write(b'data')
    for name in ['hard 1', 'hard 2', 'folder/hard 3']:
        os.link('plain', name) if name == 'hard 1' else os.link('hard 1', name)
    write('pair 1', b'plain')
    os.link('pair 1', b'p\xe4ir 2')
    os.mkfifo('pipe')
    socket.socket(socket.AF_UNIX).bind('socket')
    for name in ['plain', 'folder', b'caf\xe9']:
        os.setxattr(name, 'user.binary', bytes(range(256)))
        os.setxattr(name, 'user.empty', b'')
        os.setxattr(name, 'user.ünï', b'x')
    acl = lambda *args: subprocess.run(['setfacl', *args], check=True)
    acl('-m', 'u:1:rwx,g:2:r,m:rx', 'exact')
    acl('-m', 'u:1:rwx', '-d', '-m', 'u:3:rx,o::-', 'folder')
    if root:
        os.chown('plain', 1, 2)
        os.chown('exact', 12345, 54321)
        os.chown('link', 1, 1, follow_symlinks=False)
        os.chown('group', 0, 4)
        os.mknod('device', stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.setxattr('none', 'trusted.t', b'\0')
        os.setxattr('link', 'trusted.link', b'on the link', follow_symlinks=False)
    time = 1_234_567_890_123_456_789
    for i, name in enumerate(sorted(os.listdir(b'.'))):
        os.utime(name, ns=(time, time + i * 1_000_000_007), follow_symlinks=False)
    os.utime('none', ns=(0, -1_500_000_001))
    os.utime('exact', ns=(0, 4_000_000_000_999_999_999))
    os.utime('folder/inner', ns=(0, 1))
    os.utime(b'.', ns=(0, 999_999_999_999_999_999))


def deep(top, depth):
    os.chdir(os.fsencode(top))
    for i in range(depth):
        write('file', b'%d' % i)
        name = (b'd%d ' % i).ljust(200, b'\xe4' if i % 50 == 7 else b'd')
        os.mkdir(name)
        os.chdir(name)


def walk(folder, base, visit):
    """Every node below an open folder, whatever the length of its path."""
    for name in sorted(os.listdir(folder)):
        name = os.fsencode(name)
        path = base + b'/' + name if base else name
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        visit(folder, name, path, found)
        if stat.S_ISDIR(found.st_mode):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            walk(inner, path, visit)
            os.close(inner)


def attributes(place, found):
    names = os.listxattr(place, follow_symlinks=False)
    xattrs = {name: b64(os.getxattr(place, name, follow_symlinks=False)) for name in names}
    return dict(mode=stat.S_IMODE(found.st_mode), uid=found.st_uid, gid=found.st_gid, mtimeNs=str(found.st_mtime_ns), xattrs=xattrs)


def listing(top):
    import hashlib
    sys.setrecursionlimit(10_000)
    nodes = []
    links = {}

    def visit(folder, name, path, found):
        place = b'/proc/self/fd/%d/' % folder + name
        kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'folder', stat.S_IFLNK: 'symlink'}
        kind = kinds.get(stat.S_IFMT(found.st_mode))
        if kind is None:
            return
        node = dict(path=b64(path), kind=kind, **attributes(place, found))
        if kind == 'symlink':
            node['target'] = b64(os.readlink(place))
        if kind == 'file':
            with open(place, 'rb') as file:
                node['hash'] = hashlib.file_digest(file, 'sha256').hexdigest()
            node['size'] = found.st_size
            if found.st_nlink > 1:
                links.setdefault(found.st_ino, []).append(node)
        nodes.append(node)

    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    walk(folder, b'', visit)
    for group in links.values():
        first = min(node['path'] for node in group)
        for node in group:
            node['links'] = [first, len(group)]
    nodes.append(dict(path='', kind='folder', **attributes(top, os.stat(top))))
    for node in sorted(nodes, key=lambda node: node['path']):
        print(json.dumps(node, sort_keys=True))


def rebuild(top):
    """A restore as short as it can be, by another hand than the program's."""
    folders = {b'': os.open(top, os.O_RDONLY)}
    links = {}
    nodes = [json.loads(line) for line in sys.stdin]
    for node in nodes:
        path = raw(node['path'])
        if not path:
            continue
        above, name = os.path.split(path)
        at = folders[above]
        if node['kind'] == 'folder':
            os.mkdir(name, dir_fd=at)
            folders[path] = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        elif node['kind'] == 'symlink':
            os.symlink(raw(node['target']), name, dir_fd=at)
        elif node.get('link') in links:
            os.link(links[node['link']][1], name, src_dir_fd=links[node['link']][0], dst_dir_fd=at)
        else:
            fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, dir_fd=at)
            for index, block in enumerate(node['blocks']):
                data = raw(block)
                if data.strip(b'\0'):
                    os.pwrite(fd, data, index << 20)
            os.ftruncate(fd, node['size'])
            os.close(fd)
            if 'link' in node:
                links[node['link']] = (at, name)
    for node in reversed(nodes):
        path = raw(node['path'])
        above, name = os.path.split(path)
        place = os.fsencode(top) if not path else b'/proc/self/fd/%d/' % folders[above] + name
        if root:
            os.chown(place, node['uid'], node['gid'], follow_symlinks=False)
        if node['kind'] != 'symlink':
            os.chmod(place, node['mode'])
        for xattr in os.listxattr(place, follow_symlinks=False):
            os.removexattr(place, xattr, follow_symlinks=False)
        for xattr, value in node['xattrs'].items():
            os.setxattr(place, xattr, raw(value), follow_symlinks=False)
        os.utime(place, ns=(0, int(node['mtimeNs'])), follow_symlinks=False)


what, top, *more = sys.argv[1:]
{'make': make, 'rebuild': rebuild, 'list': listing, 'deep': lambda top: deep(top, int(more[0]))}[what](top)

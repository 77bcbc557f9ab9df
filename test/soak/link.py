"""A network cable between two namespaces that delays, drops, duplicates and re-orders IP packets, as `tc netem` does in kernels that
have it: a TUN interface in each, and this process between them.

    link.py SEED NAMESPACE ADDRESS NAMESPACE ADDRESS

Each line of standard input is a JSON object that replaces all settings: delay and jitter in ms, loss, duplicate and reorder as
probabilities. A re-ordered packet overtakes those that are being delayed. It ends with its standard input.
"""
import fcntl, heapq, json, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def interface(name, namespace, address, peer):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(['ip', 'link', 'set', name, 'netns', namespace], check=True)
    subprocess.run(['ip', '-n', namespace, 'address', 'add', address, 'peer', peer, 'dev', name], check=True)
    subprocess.run(['ip', '-n', namespace, 'link', 'set', name, 'up'], check=True)
    return fd


def main():
    seed, left, here, right, there = sys.argv[1:]
    chance = random.Random(int(seed))
    ends = [interface(f'fs{os.getpid()}l', left, here, there), interface(f'fs{os.getpid()}r', right, there, here)]
    print(f'fs{os.getpid()}l', flush=True)
    settings, waiting, count = {}, [], 0
    while True:
        pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([0, *ends], [], [], pause)
        if 0 in readable:
            line = sys.stdin.buffer.raw.readline()
            if not line:
                return
            settings = json.loads(line)
        for i, fd in enumerate(ends):
            if fd not in readable:
                continue
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except OSError:
                    break
                if chance.random() < settings.get('loss', 0):
                    continue
                for _ in range(2 if chance.random() < settings.get('duplicate', 0) else 1):
                    late = settings.get('delay', 0) + settings.get('jitter', 0) * (2 * chance.random() - 1)
                    if chance.random() < settings.get('reorder', 0):
                        late = 0
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + max(0, late) / 1000, count, ends[1 - i], packet))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, fd, packet = heapq.heappop(waiting)
            try:
                os.write(fd, packet)
            except OSError:
                pass  # the interface is down


main()

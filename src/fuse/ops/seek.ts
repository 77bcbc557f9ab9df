import type { Awaitable } from '../../vfs/context.ts';
import { chain } from '../awaitable.ts';
import { EINVAL, ENXIO, Errno } from '../errno.ts';
import type { OpenFile } from '../inode.ts';
import { BODY, operation } from '../operation.ts';
import type { Request } from '../request.ts';
import { Seek } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

/** `SEEK_DATA` and `SEEK_HOLE`; the kernel does the others. */
export const lseek = operation({
  name: 'lseek',
  decode: (request) => request.struct(wire.LseekIn),
  run(state, request, { fh, offset, whence }) {
    const file = state.files.get(fh);
    if (whence !== Seek.DATA && whence !== Seek.HOLE) throw new Errno(EINVAL);
    const what = whence === Seek.DATA ? 'data' : 'hole';
    return chain(state.carryOver.bring(file.inode.id), () =>
      chain(seek(request, file, what, offset), (found) => {
        if (found === undefined) throw new Errno(ENXIO);
        return found;
      }),
    );
  },
  encode(_state, offset, out) {
    wire.LseekOut.encode({ offset }, out, BODY);
    return wire.LseekOut.size;
  },
});

function seek(
  request: Request,
  { handle, inode }: OpenFile,
  what: 'data' | 'hole',
  offset: number,
): Awaitable<number | undefined> {
  // Not ENOSYS, after which the kernel asks for no other file either.
  if (handle.seek !== undefined && !mayBeMapped(inode.files ?? [])) return handle.seek(what, offset, request);
  return chain(handle.attr(request), ({ size }) => {
    if (offset >= size) return undefined;
    return what === 'data' ? offset : size;
  });
}

/** What a program has written into a shared mapping comes later, so nothing is known to be a hole. */
function mayBeMapped(files: Iterable<OpenFile>): boolean {
  for (const { readable, writable, backing } of files) if (readable && writable && backing === undefined) return true;
  return false;
}

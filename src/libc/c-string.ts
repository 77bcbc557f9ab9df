/** The bytes of a path with the NUL that C expects behind them. */
export function cString(path: string | Buffer): Buffer {
  const length = typeof path === 'string' ? Buffer.byteLength(path) : path.length;
  const bytes = Buffer.alloc(length + 1);
  if (typeof path === 'string') bytes.write(path);
  else path.copy(bytes);
  return bytes;
}

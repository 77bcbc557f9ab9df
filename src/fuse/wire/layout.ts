/** Types of fields in the kernel's structs, which are little-endian on all supported machines. */
export type FieldType = 'u16' | 'u32' | 'i32' | 'u64' | 'i64';

const WIDTH: Record<FieldType, number> = { u16: 2, u32: 4, i32: 4, u64: 8, i64: 8 };
const HIGH = 2 ** 32;

interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
}

export type Values<F> = { readonly [K in keyof F]: number };

/** A struct of the kernel: its fields in order, each naturally aligned, without gaps. */
export class Layout<F extends Readonly<Record<string, FieldType>>> {
  /** Size in bytes. */
  readonly size: number;
  readonly #fields: readonly Field[];

  constructor(fields: F) {
    let offset = 0;
    this.#fields = Object.entries(fields).map(([name, type]) => {
      const field = { name, type, offset };
      if (offset % WIDTH[type] !== 0) throw new TypeError(`${name} is not aligned`);
      offset += WIDTH[type];
      return field;
    });
    this.size = offset;
  }

  /** Integers above 2^53 lose their low bits. */
  decode(from: Buffer, at: number): Values<F> {
    const values: Record<string, number> = {};
    for (const { name, type, offset } of this.#fields) values[name] = decodeField(type, from, at + offset);
    return values as Values<F>;
  }

  /** Writes a struct. Missing fields become 0. */
  encode(values: Partial<Values<F>>, into: Buffer, at: number): void {
    for (const { name, type, offset } of this.#fields) encodeField(type, values[name] ?? 0, into, at + offset);
  }
}

function decodeField(type: FieldType, from: Buffer, at: number): number {
  switch (type) {
    case 'u16':
      return from.readUInt16LE(at);
    case 'u32':
      return from.readUInt32LE(at);
    case 'i32':
      return from.readInt32LE(at);
    case 'i64':
      return from.readUInt32LE(at) + from.readInt32LE(at + 4) * HIGH;
    default:
      return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * HIGH;
  }
}

function encodeField(type: FieldType, value: number, into: Buffer, at: number): void {
  switch (type) {
    case 'u16':
      into.writeUInt16LE(value, at);
      return;
    case 'u32':
      into.writeUInt32LE(value, at);
      return;
    case 'i32':
      into.writeInt32LE(value, at);
      return;
    default:
      into.writeUInt32LE(value >= 0 ? value % HIGH : (HIGH + (value % HIGH)) % HIGH, at);
      into.writeInt32LE(Math.floor(value / HIGH) | 0, at + 4);
  }
}

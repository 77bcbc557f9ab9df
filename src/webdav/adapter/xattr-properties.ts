import { v2 as webdav } from 'webdav-server';
import type { Context } from '../../vfs/context.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import type { Xattrs } from '../../vfs/node.ts';
import { settle } from './errors.ts';

/** Prefix of the extended attributes that hold this library's properties, in its own JSON form. */
const PREFIX = 'user.webdav-server.';

interface Property {
  readonly value: webdav.ResourcePropertyValue;
  readonly attributes: webdav.PropertyAttributes;
}

/** Dead properties of one path, kept as extended attributes of its node, so that they follow the node and are synced. */
export class XattrProperties implements webdav.IPropertyManager {
  readonly #fs: FileSystem;
  readonly #find: () => Promise<string>;
  readonly #context: Context;

  /** @param find resolves to the node's id */
  constructor(fs: FileSystem, find: () => Promise<string>, context: Context) {
    this.#fs = fs;
    this.#find = find;
    this.#context = context;
  }

  setProperty(
    name: string,
    value: webdav.ResourcePropertyValue,
    attributes: webdav.PropertyAttributes,
    callback: webdav.SimpleCallback,
  ): void {
    settle('setxattr', callback, () => this.#change(name, encode({ value, attributes })));
  }

  getProperty(
    name: string,
    callback: webdav.Return2Callback<webdav.ResourcePropertyValue, webdav.PropertyAttributes>,
  ): void {
    settle<Property | undefined>(
      'getxattr',
      (error, property) => {
        if (error !== undefined) callback(error);
        else if (property === undefined) callback(webdav.Errors.PropertyNotFound);
        else callback(undefined, property.value, property.attributes);
      },
      async () => decode((await this.#xattrs())[PREFIX + name]),
    );
  }

  removeProperty(name: string, callback: webdav.SimpleCallback): void {
    settle('removexattr', callback, () => this.#change(name, null));
  }

  getProperties(callback: webdav.ReturnCallback<webdav.PropertyBag>): void {
    settle('listxattr', callback, async () => {
      const bag: webdav.PropertyBag = {};
      for (const [name, text] of Object.entries(await this.#xattrs())) {
        const property = name.startsWith(PREFIX) ? decode(text) : undefined;
        if (property !== undefined) bag[name.slice(PREFIX.length)] = property;
      }
      return bag;
    });
  }

  async #xattrs(): Promise<Xattrs> {
    return this.#fs.xattrs(await this.#find(), this.#context);
  }

  async #change(name: string, value: string | null): Promise<void> {
    await this.#fs.setattr(await this.#find(), { xattrs: { [PREFIX + name]: value } }, this.#context);
  }
}

function encode(property: Property): string {
  return Buffer.from(JSON.stringify(property)).toString('base64');
}

function decode(text: string | undefined): Property | undefined {
  return text === undefined ? undefined : (JSON.parse(Buffer.from(text, 'base64').toString()) as Property);
}

import type { MountReport } from '../daemon/child-messages.ts';

export interface WebDavAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface WebAccess {
  readonly url: string;
  readonly email: string;
  readonly password: string;
}

export interface MoreHelp {
  readonly mount: MountReport;
  /** Address of the status page. */
  readonly page: string | undefined;
  readonly web?: WebAccess;
}

/** Where the drive is and how to mount it on each system, with the address and secret filled in. */
export function mountHelp({ url, user, password }: WebDavAccess, { mount, page, web }: MoreHelp): string {
  const { port, hostname, protocol } = new URL(url);
  const tls = protocol === 'https:';
  const dav = `${tls ? 'davs' : 'dav'}://${user}@${hostname}:${port}/`;
  const kde = `${tls ? 'webdavs' : 'webdav'}://${user}@${hostname}:${port}/`;
  const mounted = mount.dir ?? (mount.problem === undefined ? undefined : `nowhere; not on ${mount.problem}`);
  return `
  The drive      ${url}${mounted === undefined ? '' : `\n  mounted on     ${mounted}`}
  user           ${user}
  password       ${password}
${web === undefined ? '' : webHelp(web)}${page === undefined ? '' : `\n  Status page    ${page}   (opened by \`fjord open\`)\n`}
  Mount it
    macOS        Finder, Go, Connect to Server (Cmd-K): ${url}
    Windows      net use * ${url} ${password} /user:${user}
    GNOME        Files, Other Locations: ${dav}     or: gio mount ${dav}
    KDE          Dolphin, address bar: ${kde}
    Linux        mount -t davfs ${url} /mnt   (package davfs2)
    rclone       rclone lsf ":webdav,url='${url}',user=${user},pass=$(rclone obscure '${password}'):"
    curl         curl --digest -u ${user}:${password} ${url}Sync/

  In it: /Sync (two-way), /Backup (mirrors, read-only), /Archive (copy in, then it is sealed).
`;
}

function webHelp({ url, email, password }: WebAccess): string {
  return `
  The web app    ${url}
  e-mail         ${email}
  password       ${password}
`;
}

import { v2 as webdav } from 'webdav-server';

const [folder = '', port = ''] = process.argv.slice(2);
const server = new webdav.WebDAVServer({ port: Number(port), hostname: '127.0.0.1' });
server.setFileSystem('/', new webdav.PhysicalFileSystem(folder), () => server.start(() => undefined));

import { startCloud } from '../../src/cloud/server/service.ts';

// The program of `cloud-process.ts`: serves until it is killed, and prints its port in one line.
const [data = '', port = '0', email = '', password = ''] = process.argv.slice(2);
const cloud = await startCloud({ data, host: '127.0.0.1', port: Number(port) });
if ((await cloud.accounts.list()).length === 0) await cloud.accounts.add(email, password);
process.on('SIGTERM', () => void stop());
process.on('disconnect', () => void stop());
process.stdout.write(`${cloud.port}\n`);

// The IPC channel to the parent would keep the process alive.
async function stop(): Promise<void> {
  await cloud.close();
  if (process.connected) process.disconnect();
}

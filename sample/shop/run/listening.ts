import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Only this machine: the sample knows no users and no passwords. */
export const HOST = '127.0.0.1';
const DEFAULT_PORT = 3_000;

/** Asked before anything is started: a taken port should not cost a database. */
export async function choosePort(wanted: number | undefined, anyWillDo: boolean): Promise<number> {
  const server = createServer().listen(wanted ?? (anyWillDo ? 0 : DEFAULT_PORT), HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

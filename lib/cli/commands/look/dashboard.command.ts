import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Desk, Errand } from '../../../dashboard/desk.js';
import { QueueError } from '../../../job/queue.errors.js';
import { actorOf } from '../../actor.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import { examples } from '../../examples.js';

interface DashboardFlags {
  port?: string;
  readOnly?: boolean;
}

const HOST = '127.0.0.1';

const EXAMPLES = `
It listens on this machine alone, and its address has a secret part: whoever else works here does not know it.

${examples('dashboard --port 4000 --read-only')}`;

/** `dashboard`: the page of the dashboard, without an application, until Ctrl-C. */
export const addDashboard: AddCommand = (program, act) => {
  program
    .command('dashboard')
    .description('serve the dashboard to a browser on this machine, until Ctrl-C')
    .option('--port <port>', 'default: any that is free')
    .option('--read-only', 'only look')
    .addHelpText('after', EXAMPLES)
    .action(act(serve));
};

async function serve(cli: Cli, { port, readOnly = false }: DashboardFlags): Promise<number | void> {
  const { storage, options } = await cli.session();
  const { Desk } = await import('../../../dashboard/desk.js');
  const { sourceOf } = await import('../../../dashboard/source.js');
  const desk = new Desk(
    { access: () => (readOnly ? 'read' : 'all'), actor: () => actorOf(cli.flags) },
    { log: (line: string) => cli.screen.note(line) },
  );
  desk.open(sourceOf('default', storage, options));
  const root = `/${randomBytes(16).toString('hex')}`;
  const server = createServer((request, response) => void answer(desk, root, request, response));
  await listening(server, portOf(port));
  const url = `http://${HOST}:${(server.address() as AddressInfo).port}${root}`;
  await cli.screen.answer({ url }, () => cli.screen.say(url));
  cli.screen.note({ text: 'Open it in a browser of this machine. Ctrl-C ends it.', tone: 'dim' });
  const signal = cli.around.interruption();
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
  await desk.close();
  return typeof signal.reason === 'number' ? signal.reason : EXIT.interrupted;
}

/** 0: any that is free. */
function portOf(text = '0'): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new QueueError('INVALID_OPTION', 'dashboard: --port must be a number below 65,536.');
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new QueueError('INVALID_OPTION', `dashboard: cannot listen on port ${port} (${code}).`);
  }
}

async function answer(
  desk: Desk,
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const errand = errandOf(root, request);
  try {
    if (errand) return await desk.serve(errand, request, response);
    response.writeHead(404).end();
  } catch {
    response.destroy();
  }
}

const ERRANDS: Readonly<Record<string, Errand>> = {
  'GET ': 'page',
  'GET events': 'events',
  'GET assets': 'asset',
  'GET api': 'look',
  'POST api': 'act',
};

/** What a router does in an application. A name that leads here by a foreign DNS server is none of this machine's. */
function errandOf(
  root: string,
  { method, url = '', headers }: IncomingMessage,
): Errand | undefined {
  const isHere = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
  const [path = ''] = url.split('?', 1);
  if (!isHere || (path !== root && !path.startsWith(`${root}/`))) return undefined;
  const asked = `${method} ${path.slice(root.length).split('/')[1] ?? ''}`;
  return Object.hasOwn(ERRANDS, asked) ? ERRANDS[asked] : undefined;
}

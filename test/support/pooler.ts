import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import pg from 'pg';

/** Connections of the server, ready for the next query. */
type Backend = Socket;

const MESSAGE_HEAD = 5;

/**
 * What PgBouncer does, as far as its clients can tell: they get a process number of the pooler's own, and a connection of the server for a
 * transaction or for their session, of which there are `max`. Who asks for one more waits.
 */
export class Pooler {
  private readonly server: Server;
  private readonly idle: Backend[] = [];
  private readonly waiting: ((backend: Promise<Backend>) => void)[] = [];
  private opened = 0;
  /** The process number that clients get. */
  private told: Promise<number> | undefined;
  /** How often a client was answered and its transaction was still open, with its locks. */
  leftOpen = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: string,
    private readonly mode: 'transaction' | 'session',
    private readonly max: number,
    private readonly relays: boolean,
  ) {
    this.server = createServer((socket) => this.accept(socket));
  }

  /** `relays`: it greets each client as the server has greeted it. */
  static async start(
    target: string,
    mode: 'transaction' | 'session',
    max = 100,
    relays = false,
  ): Promise<Pooler> {
    const pooler = new Pooler(target, mode, max, relays);
    pooler.server.listen(0, '127.0.0.1');
    await once(pooler.server, 'listening');
    return pooler;
  }

  get url(): string {
    return Object.assign(new URL(this.target), {
      host: `127.0.0.1:${(this.server.address() as AddressInfo).port}`,
    }).href;
  }

  stop(): void {
    this.server.close();
    this.waiting.length = 0;
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(client: Socket): void {
    this.keep(client);
    // The first message has no type; whoever it is gets in.
    client.once('data', () => {
      this.told ??= this.relays ? this.firstProcess() : Promise.resolve(NONE);
      void this.told.then((told) => {
        client.write(greeting(told));
        new Session(client, this.mode, this).start();
      });
    });
  }

  private async firstProcess(): Promise<number> {
    this.opened++;
    const opened = await this.connected();
    this.idle.push(this.streamOf(opened));
    return (opened as unknown as { processID: number }).processID;
  }

  /** An idle one, the last one used first; else a new one, where there may be more. */
  async take(): Promise<Backend> {
    const idle = this.idle.pop();
    if (idle) return idle;
    if (this.opened >= this.max) return new Promise((resolve) => this.waiting.push(resolve));
    this.opened++;
    return this.open();
  }

  giveBack(backend: Backend): void {
    backend.removeAllListeners('data');
    const next = this.waiting.shift();
    if (next) next(Promise.resolve(backend));
    else this.idle.push(backend);
  }

  /** Its client is gone: what the session left on it goes with it. */
  discard(backend: Backend): void {
    backend.destroy();
    const next = this.waiting.shift();
    if (next) next(this.open());
    else this.opened--;
  }

  private async open(): Promise<Backend> {
    return this.streamOf(await this.connected());
  }

  private async connected(): Promise<pg.Client> {
    const opened = new pg.Client({ connectionString: this.target });
    opened.on('error', () => undefined);
    await opened.connect();
    return opened;
  }

  private streamOf(opened: pg.Client): Backend {
    const { stream } = (opened as unknown as { connection: { stream: Socket } }).connection;
    stream.removeAllListeners('data');
    this.keep(stream);
    return stream;
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket.setNoDelay());
    socket.on('error', () => undefined);
  }
}

class Session {
  private backend: Promise<Backend> | undefined;

  constructor(
    private readonly client: Socket,
    private readonly mode: 'transaction' | 'session',
    private readonly pooler: Pooler,
  ) {}

  start(): void {
    this.client.once(
      'close',
      () =>
        void this.backend?.then(
          (backend) => this.pooler.discard(backend),
          () => undefined,
        ),
    );
    // Its database is gone with the test.
    const messages = splitter(
      (message) => void this.pass(message).catch(() => this.client.destroy()),
    );
    this.client.on('data', messages);
  }

  private async pass(message: Buffer): Promise<void> {
    if (message[0] === 'X'.charCodeAt(0)) return void this.client.destroy();
    this.backend ??= this.attach();
    (await this.backend).write(message);
  }

  private async attach(): Promise<Backend> {
    const backend = await this.pooler.take();
    const answers = splitter((message) => {
      this.client.write(message);
      if (message.toString('latin1', 0, 1) !== 'Z') return;
      const isOver = message.toString('latin1', 5, 6) === 'I';
      if (!isOver) this.pooler.leftOpen++;
      if (this.mode === 'transaction' && isOver) {
        this.backend = undefined;
        this.pooler.giveBack(backend);
      }
    });
    backend.on('data', answers);
    return backend;
  }
}

/** Collects bytes and hands on whole messages. */
function splitter(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= MESSAGE_HEAD && rest.length > rest.readInt32BE(1)) {
      const length = rest.readInt32BE(1) + 1;
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

const NONE = 0x7f000001;

/** Authenticated, a process number, ready. */
function greeting(told: number): Buffer {
  const ok = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4]);
  key.writeInt32BE(told, 5);
  const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
  return Buffer.concat([ok, key, ready]);
}

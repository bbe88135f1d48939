import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';

/** A bad network between a client and the server of `url`: give the client the proxy's `url`. */
export class TcpProxy {
  private server?: Server;
  private delayMs = 0;
  private cap = Infinity;
  private trap?: { text: string; left: number };
  private hangsUpAt?: string;
  private readonly links = new Set<Link>();

  private constructor(
    private readonly target: URL,
    private port = 0,
  ) {}

  static async start(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url));
    await proxy.pass();
    return proxy;
  }

  /** The server's address, through the proxy. */
  get url(): string {
    return Object.assign(new URL(this.target), { host: `127.0.0.1:${this.port}` }).href;
  }

  /** A good network again. What was black-holed stays so, as it does after a partition. */
  async pass(): Promise<void> {
    this.delayMs = 0;
    this.cap = Infinity;
    this.hangsUpAt = undefined;
    if (this.server) return;
    this.server = createServer({ allowHalfOpen: true }, (client) => this.accept(client)).listen(
      this.port,
      '127.0.0.1',
    );
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Open connections never answer again and never close: half-open sockets. New ones work, which no stopped proxy could do. */
  blackHole(): void {
    this.links.forEach((link) => link.silence());
  }

  /** Open connections are reset. */
  reset(): void {
    this.links.forEach((link) => link.reset());
  }

  /** New connections are refused, until `pass()`; open ones go on. */
  refuse(): void {
    this.server?.close();
    this.server = undefined;
  }

  /** Each chunk arrives this much later, in both directions and in order, until `pass()`. */
  delay(ms: number): void {
    this.delayMs = ms;
  }

  /**
   * A line so slow that what says more than this many bytes at a time never comes through: the connection is silent for good, whatever the
   * other side makes of what it got.
   */
  narrow(bytes: number): void {
    this.cap = bytes;
  }

  /** The server is gone the `nth` time that a client sends `text`: this is not passed on, and nobody connects any more. */
  failAt(text: string, nth: number): void {
    this.trap = { text, left: nth };
  }

  /** As a balancer without a server: it accepts, and closes at once, or when a client sends `text`; until `pass()`. */
  hangUp(text = ''): void {
    this.hangsUpAt = text;
    this.reset();
  }

  stop(): void {
    this.refuse();
    this.reset();
  }

  private accept(client: Socket): void {
    if (this.hangsUpAt === '') return void client.destroy();
    const upstream = connect({
      host: this.target.hostname,
      port: Number(this.target.port || 5432),
      allowHalfOpen: true,
    });
    const link = new Link(client, upstream, { delayMs: () => this.delayMs, cap: () => this.cap });
    this.links.add(link);
    client.on('data', (chunk: Buffer) => {
      if (this.hangsUpAt && chunk.includes(this.hangsUpAt)) link.reset();
      this.springTrap(chunk);
    });
    client.once('close', () => this.links.delete(link));
  }

  /** Before the chunk is passed on, which it is in a later step. */
  private springTrap(chunk: Buffer): void {
    if (this.trap && chunk.includes(this.trap.text) && --this.trap.left === 0) this.stop();
  }
}

class Link {
  private silent = false;
  /** Who speaks, and how many bytes since the other side has spoken. */
  private speaker?: Socket;
  private said = 0;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly line: { delayMs: () => number; cap: () => number },
  ) {
    this.forward(client, upstream);
    this.forward(upstream, client);
  }

  silence(): void {
    this.silent = true;
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.upstream.resetAndDestroy();
  }

  private forward(from: Socket, to: Socket): void {
    let before = Promise.resolve();
    const pass = (action: () => unknown): void => {
      const due = Date.now() + this.line.delayMs();
      before = before.then(() => this.passOn(action, due));
    };
    from.on('data', (chunk: Buffer) => {
      this.count(from, chunk.length);
      pass(() => to.write(chunk));
    });
    from.on('end', () => pass(() => to.end()));
    from.on('error', () => this.silent || to.resetAndDestroy());
  }

  private count(from: Socket, bytes: number): void {
    this.said = from === this.speaker ? this.said + bytes : bytes;
    this.speaker = from;
    if (this.said > this.line.cap()) this.silence();
  }

  private async passOn(action: () => unknown, due: number): Promise<void> {
    // A timer may be a millisecond early.
    for (let early = due - Date.now(); early > 0; early = due - Date.now()) await rest(early);
    if (!this.silent) action();
  }
}

import type pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { Loop } from '../../runtime/loop.js';
import { AfterCommit } from '../connection/callers/after-commit.js';
import { connectionOptionsOf } from '../connection/connection-options.js';
import type { Database } from '../connection/database.js';
import { NotifyRest } from './notify-rest.js';
import { OwnClient } from '../connection/own-client.js';
import { forListening } from '../connection/session-settings.js';
import { signalOf, Unsent, type Signal } from './signal.js';
import { ENDED } from './wake-up.js';
import { NOTIFY } from './notify.sql.js';

export type { Signal } from './signal.js';

interface SignalOptions {
  schema: string;
  wakeUp: 'listen' | 'off';
  listenUrl?: string;
  queryTimeoutMs: number;
  onError: (error: unknown, restMs: number) => void;
  /** PostgreSQL refuses to notify; said once until it no longer does. */
  onRefused: (error: Error) => void;
}

/** A NOTIFY that rides in the statement that stores a job. */
export interface Notice {
  channel: string;
  message: string;
}

type LimitReceiver = (name: string, isRule: boolean) => void;

/** Between two NOTIFYs of one process; the first leaves at once. One that rides along costs no commit of its own, so it may be sooner. */
const NOTIFY_INTERVAL_MS = 10;
const NOTICE_INTERVAL_MS = 1;
const PING_INTERVAL_MS = 10_000;
/** The flags of messages about limits: of their shares, of their rules; those of wake-ups and of ends are other letters. */
const LIMIT = 'm';
const RULE = 'r';
/** A statement of its own that is less late than this is found soon enough by looking. In a transaction others pass it in a moment. */
const LATE_MS = 50;
const PASSED_MS = 1;

/**
 * Wake-ups: hints that may be lost without harm, since polling is the truth. In this process they are function calls; other
 * processes get a NOTIFY, debounced and sent after the commit it speaks of.
 */
export class Signals {
  private readonly sender = process.pid.toString(36) + Math.random().toString(36).slice(2, 8);
  private readonly channel: string;
  private readonly receivers = new Set<(signal: Signal) => void>();
  private readonly routes = new Map<string, (words: string) => void>();
  private readonly limitReceivers = new Set<LimitReceiver>();
  private readonly onListening = new Set<() => void>();
  private readonly ears = new Set<unknown>();
  private readonly unsent = new Unsent();
  private notifiedAt = -Infinity;
  private readonly afterCommit: AfterCommit;
  private readonly rest: NotifyRest;
  private readonly notifier: Loop;
  private readonly listener: Loop;
  private readonly target: pg.ClientConfig;
  private dialing: OwnClient | undefined;
  private client: OwnClient | undefined;
  private isClosed = false;

  constructor(
    private readonly database: Database,
    private readonly options: SignalOptions,
  ) {
    const { schema, listenUrl, queryTimeoutMs } = options;
    this.channel = `sq:${schema}`;
    this.route(LIMIT, (name) => this.tellReceivers(name, false));
    this.route(RULE, (name) => this.tellReceivers(name, true));
    this.target = {
      ...connectionOptionsOf(database.dataSource, listenUrl),
      query_timeout: Math.min(5_000, queryTimeoutMs),
    };
    this.notifier = new Loop('notifier', () => this.notify(), {
      onError: () => undefined,
      maxRestMs: 1_000,
    });
    const onError: SignalOptions['onError'] = (error, restMs) =>
      this.ears.size > 0 && options.onError(error, restMs);
    this.listener = new Loop('listener', () => this.listen(), { onError });
    this.afterCommit = new AfterCommit(database.dataSource);
    this.rest = new NotifyRest(options.onRefused);
  }

  open(): void {
    this.afterCommit.open();
    if (this.options.wakeUp === 'listen') this.notifier.start();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.afterCommit.close();
    await this.notifier.stop();
    if (!this.rest.isOn) await this.notify().catch(() => undefined);
    await this.hangUp();
  }

  /** Notifies this process at once and others soon; with a query runner, when its transaction commits. `since`: when the storing began. */
  send(signal: Signal, runner?: QueryRunner, since = performance.now()): void {
    const tell = (): void => {
      const lateMs = performance.now() - since;
      this.tell(lateMs < (runner ? PASSED_MS : LATE_MS) ? signal : { ...signal, lateMs });
    };
    if (runner) this.onCommit(runner, tell);
    else tell();
  }

  /** Notifies this process alone: the others hear of it by a notice. */
  sendHere(signal: Signal): void {
    for (const receiver of this.receivers) receiver(signal);
  }

  /** For a statement that stores jobs of this lane and commits; undefined: too soon after the last one, or nobody listens. */
  noticeOf(lane: number): Notice | undefined {
    const now = performance.now();
    if (
      this.options.wakeUp === 'off' ||
      this.rest.isOn ||
      now < this.notifiedAt + NOTICE_INTERVAL_MS
    )
      return undefined;
    this.notifiedAt = now;
    return { channel: this.channel, message: `${this.sender}  ${lane}` };
  }

  /** The statement that carried a notice failed for it, and succeeded without. */
  refused(error: unknown): void {
    this.rest.begin(error);
  }

  /** Calls back when the runner's transaction has committed, where TypeORM reports it and nothing of it was rolled back: a hint, too. */
  onCommit(runner: QueryRunner, callback: () => void): void {
    this.afterCommit.add(runner, callback);
  }

  /** What a worker hears: from this process and, with LISTEN, from others. */
  receive(receiver: (signal: Signal) => void): () => void {
    this.receivers.add(receiver);
    return () => void this.receivers.delete(receiver);
  }

  /** One connection, however many want to hear: the worker, subscribers, and who waits for the ends of jobs. What a process sends itself needs none. */
  startListening(who: unknown = 'worker'): void {
    this.ears.add(who);
    // Nobody would end it any more.
    if (this.options.wakeUp === 'listen' && !this.isClosed) this.listener.start();
  }

  /** Is the connection there, and since when has it said nothing good? undefined where nobody wants to hear. */
  get listening(): { isListening: boolean; silentMs: number } | undefined {
    if (this.options.wakeUp === 'off' || this.ears.size === 0) return undefined;
    return { isListening: this.client !== undefined, silentMs: this.listener.silentMs };
  }

  /** Closes the connection when the last one has gone. */
  async stopListening(who: unknown = 'worker'): Promise<void> {
    if (this.ears.delete(who) && this.ears.size === 0) await this.hangUp();
  }

  /** Messages with this flag are another's: they wake no worker. */
  route(flag: string, receiver: (words: string) => void): void {
    this.routes.set(flag, receiver);
  }

  /** Sends such a message, at once. */
  async post(flag: string, words: string): Promise<void> {
    await this.database.loops.run(NOTIFY, [this.channel, `${this.sender} ${flag} ${words}`]);
  }

  /** To those who share in a limit: somebody wants some of it, or has given some back; `isRule`: it says something else now, or rests. A hint that may be lost. */
  tellOfLimit(name: string, { isRule = false, onlyOthers = false } = {}): void {
    if (!onlyOthers) this.tellReceivers(name, isRule);
    if (this.options.wakeUp === 'off' || this.rest.isOn) return;
    this.post(isRule ? RULE : LIMIT, name).catch((error: unknown) => this.rest.begin(error));
  }

  /** Hears of limits, from this process as well. */
  hearOfLimits(receiver: LimitReceiver): () => void {
    this.limitReceivers.add(receiver);
    return () => void this.limitReceivers.delete(receiver);
  }

  private tellReceivers(name: string, isRule: boolean): void {
    for (const receiver of this.limitReceivers) receiver(name, isRule);
  }

  /** Calls back each time that listening has begun: what was sent before was not heard. */
  whenListening(callback: () => void): void {
    this.onListening.add(callback);
  }

  private async hangUp(): Promise<void> {
    this.ears.clear();
    // It may take long to connect, and nobody waits for it any more.
    this.dialing?.abandon();
    await this.listener.stop();
    this.drop();
  }

  private tell(signal: Signal): void {
    this.sendHere(signal);
    if (this.options.wakeUp === 'off' || this.rest.isOn) return;
    this.unsent.add(signal);
    this.notifier.wakeIn(this.notifiedAt + NOTIFY_INTERVAL_MS - performance.now());
  }

  private async notify(): Promise<number> {
    const words = this.unsent.take();
    if (!words) return Infinity;
    this.notifiedAt = performance.now();
    try {
      await this.database.loops.run(NOTIFY, [this.channel, `${this.sender} ${words}`]);
      this.rest.gotThrough();
    } catch (error) {
      this.rest.begin(error);
      throw error;
    }
    return NOTIFY_INTERVAL_MS;
  }

  private async listen(): Promise<number> {
    if (this.client) await this.ping(this.client);
    else await this.connect();
    return PING_INTERVAL_MS;
  }

  /** A half-open socket says nothing for ever; only a question with a time limit finds it out. */
  private async ping(client: OwnClient): Promise<void> {
    try {
      await client.query('select 1');
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  /** LISTEN first, then look: what was sent while nobody listened is found by the look. */
  private async connect(): Promise<void> {
    const client = (this.dialing = new OwnClient(this.target));
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    client.on('notification', (message) => this.hear(message.payload ?? ''));
    try {
      await client.connect();
      await client.query(forListening());
      await client.query(`listen "${this.channel}"`);
    } catch (error) {
      client.abandon();
      throw error;
    } finally {
      this.dialing = undefined;
    }
    this.client = client;
    this.sendHere({ lanes: [], cancel: true, schedules: true, ...ENDED });
    for (const callback of this.onListening) callback();
  }

  /** A connection that died is replaced at once; one that replies late is destroyed, or its socket would linger. */
  private drop(client = this.client): void {
    if (!client || client !== this.client) return;
    this.client = undefined;
    client.abandon();
    this.listener.wake();
  }

  private hear(message: string): void {
    const [sender, ...words] = message.split(' ');
    if (sender === this.sender) return;
    const route = this.routes.get(words[0] ?? '');
    if (route) return route(words[1] ?? '');
    this.sendHere(signalOf(words));
  }
}

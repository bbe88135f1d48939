import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { ShopSettings } from '../shop.settings.js';
import { audit, isRight } from './audit.js';
import type { ShopCommand } from './command-line.js';
import { HOME, openDatabase, type Database } from './database.js';
import { Feed } from './feed.js';
import { choosePort, HOST } from './listening.js';
import { MortalWorker } from './mortal-worker.js';
import { readOrdersFile, type OrderLine } from './orders-file.js';
import { OrdersRun } from './orders-run.js';
import { RefusedLines } from './refused-lines.js';
import { reportLines } from './report.js';
import { createScreen } from './screen.js';
import { openShop } from './shop-server.js';
import { onSignals } from './signals.js';
import { number } from './wording.js';

/** `npm start` from its first line to its last. */
export class ShopRun {
  private readonly screen = createScreen(process.stdout);
  private readonly stopping = new AbortController();

  constructor(private readonly command: ShopCommand) {}

  async start(): Promise<void> {
    const lines = readOrdersFile(this.command.orders);
    const port = await choosePort(this.command.port, this.command.once);
    const database = await openDatabase(this.command);
    const settings = this.settingsOf(database, port);
    const app = await openShop(settings, this.screen);
    onSignals(() => this.announceStop());
    this.greet(settings, database, lines);
    try {
      const right = await this.placeOrders(app, lines);
      if (this.command.once) await this.end(app, database, right);
      else this.inviteVisitors(settings, lines);
    } catch (error) {
      // Told to stop, the shop closes under the hands of those who still order; Nest ends the process when it is done.
      if (!this.stopping.signal.aborted) throw error;
    }
  }

  /** With `--crash` this process only takes orders: the one that works is there to be killed. */
  private settingsOf({ url: databaseUrl }: Database, port: number): ShopSettings {
    const webhookSecret = process.env.WEBHOOK_SECRET ?? randomBytes(32).toString('hex');
    return {
      databaseUrl,
      url: `http://${HOST}:${port}`,
      webhookSecret,
      worker: !this.command.crash,
    };
  }

  private greet({ url }: ShopSettings, { description }: Database, lines: OrderLine[]): void {
    this.screen.say(`The coffee shop is open at ${url} (process ${process.pid}).`);
    this.screen.say(`Its queues: ${url}/queues`);
    this.screen.say(`PostgreSQL: ${description}.`);
    this.screen.say(`Placing the ${number(lines.length)} orders of ${this.command.orders}:`);
  }

  private async placeOrders(app: NestExpressApplication, lines: OrderLine[]): Promise<boolean> {
    const worker = this.command.crash
      ? new MortalWorker(app.get(ShopSettings), this.screen)
      : undefined;
    const refused = new RefusedLines(this.screen, join(HOME, 'refused-orders.txt'));
    const feed = new Feed(app.get(ShopSettings).url, refused);
    const run = new OrdersRun(app, feed, refused, this.screen);
    const times = await run.run(lines, this.stopping.signal, async (progress) =>
      worker?.killAt(progress),
    );
    await worker?.stop();
    const found = await audit(app.get(DataSource), feed.good);
    const tally = {
      good: feed.good.length,
      known: feed.known,
      bad: refused.count,
      kills: worker?.kills ?? 0,
      ...times,
    };
    ['', ...reportLines(tally, found)].forEach((line) => this.screen.say(line));
    refused.close();
    return isRight(found);
  }

  private async end(
    app: NestExpressApplication,
    database: Database,
    right: boolean,
  ): Promise<void> {
    await app.close();
    await database.stop();
    process.exitCode = right ? 0 : 1;
  }

  private inviteVisitors({ url }: ShopSettings, lines: OrderLine[]): void {
    const id = String(lines.find(({ request }) => request)?.request?.id);
    this.screen.say(`
A receipt:       curl -o receipt.pdf ${url}/orders/${id}/receipt
Cancel an order: curl -X DELETE ${url}/orders/${id}
The queues:      curl ${url}
Ctrl-C closes the shop. Or try kill -9 ${process.pid} in the middle of it all, and npm start again.`);
  }

  private announceStop(): void {
    this.stopping.abort();
    this.screen.rest();
    this.screen.say('Closing: what runs is being finished. Ctrl-C again ends at once.');
    // Nest ends the process with 0, which would tell a script that all orders of the file were done.
    if (this.command.once) process.on('exit', () => (process.exitCode = 130));
  }
}

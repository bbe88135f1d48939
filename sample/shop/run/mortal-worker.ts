import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { ShopSettings } from '../shop.settings.js';
import { Complaint } from './complaint.js';
import type { Progress, Screen } from './screen.js';

const KILLS = 5;

/** The worker as a process of its own. It is killed while it works, and started again. */
export class MortalWorker {
  kills = 0;
  private child: ChildProcess;

  constructor(
    private readonly settings: ShopSettings,
    private readonly screen: Screen,
  ) {
    this.child = this.spawn();
  }

  /** Spread over the run: the first dies after a sixth of the receipts, the last when a sixth is left. */
  async killAt({ receipts, lines }: Progress): Promise<void> {
    if (this.child.exitCode !== null)
      throw new Complaint(`The worker ended by itself, with code ${this.child.exitCode}.`);
    if (this.kills < KILLS && receipts >= ((this.kills + 1) * lines) / (KILLS + 1))
      await this.kill();
  }

  /** SIGKILL leaves no time for a goodbye: not to the handlers, not to the database. */
  private async kill(): Promise<void> {
    const { pid } = this.child;
    await this.end('SIGKILL');
    this.kills += 1;
    this.screen.say(`  worker ${pid} killed with SIGKILL (${this.kills} of ${KILLS})`);
    this.child = this.spawn();
  }

  /** The last one may finish what runs. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    await gone;
  }

  private spawn(): ChildProcess {
    const env = {
      ...process.env,
      SHOP_SETTINGS: JSON.stringify({ ...this.settings, worker: true }),
    };
    const child = fork(fileURLToPath(import.meta.resolve('./worker.js')), {
      env,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    if (child.stdout) createInterface(child.stdout).on('line', (line) => this.screen.say(line));
    return child;
  }
}

import { needsSomebody, type Trouble } from '../job/trouble.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { troublesOf } from '../troubles/troubles.js';

/** Reports what has begun to wait for a person since the look before: once, until it was over. */
export class TroubleWatch {
  private known = new Set<string>();

  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {}

  /** What cannot be counted holds nothing up: the doctor says why. */
  async look(): Promise<void> {
    const { storage, options } = this;
    const all = await troublesOf(storage, options, storage.database.loops.run).catch(() => []);
    const troubles = new Map(all.filter(needsSomebody).map((each) => [keyOf(each), each]));
    for (const [key, trouble] of troubles) if (!this.known.has(key)) this.report(trouble);
    this.known = new Set(troubles.keys());
  }

  private report({ code, text, hint, fix }: Trouble): void {
    const message = [text, hint, fix].filter(Boolean).join(' ');
    this.events.emit('warning', () => ({ code, message }));
  }
}

const keyOf = ({ code, queue = '', name = '', labels = [] }: Trouble): string =>
  [code, queue, name, ...labels].join('\n');

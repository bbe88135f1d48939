import { needsSomebody, type Trouble } from '../job/trouble.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { troublesOf } from '../troubles/troubles.js';

/** Reports what has begun to wait for a person since the look before: once, until it was over. */
export class TroubleWatch {
  private known = new Map<string, Warning>();

  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    private readonly events: QueueEventBus,
  ) {}

  /** What cannot be counted holds nothing up: the doctor says why. */
  async look(): Promise<void> {
    const { storage, options } = this;
    const all = await troublesOf(storage, options, storage.database.loops.run).catch(() => []);
    const misfits = await storage.outcomes.misfits().catch(() => []);
    const warnings = new Map([
      ...all.filter(needsSomebody).map((each) => [keyOf(each), warningOf(each)] as const),
      ...misfits.map((each) => [each, misfit(each)] as const),
    ]);
    for (const [key, warning] of warnings)
      if (!this.known.has(key)) this.events.emit('warning', () => warning);
    this.known = warnings;
  }
}

type Warning = Record<'code' | 'message', string>;

const warningOf = ({ code, text, hint, fix }: Trouble): Warning => ({
  code,
  message: [text, hint, fix].filter(Boolean).join(' '),
});

/** The start of this process would have refused what another one has declared since. */
const misfit = (problem: string): Warning => ({
  code: 'OPTIONS_SUSPICIOUS',
  message: `${problem}. A process that started later declares it: these jobs run out of turn, and the next start here is refused.`,
});

const keyOf = ({ code, queue = '', name = '', labels = [] }: Trouble): string =>
  [code, queue, name, ...labels].join('\n');

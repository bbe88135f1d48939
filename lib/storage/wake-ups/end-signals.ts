import { Loop } from '../../runtime/loop.js';
import type { Signals } from './signals.js';

/** What processes tell each other of ends: that somebody waits for these jobs, and that such jobs have ended. */
type EndNews = 'waited' | 'ended';

/** In a message; the flags of wake-ups are other letters. */
const FLAGS: Readonly<Record<EndNews, string>> = { waited: 'w', ended: 'e' };
const NEWS: readonly EndNews[] = ['waited', 'ended'];

/** Between two rounds of NOTIFY: a caller waits at both ends of this way. The first leaves at once. */
const INTERVAL_MS = 2;
/** A payload holds 8,000 bytes, an id 36 and a comma. */
const IDS_IN_ONE = 200;

/**
 * Hints about the ends of jobs, between processes; as with wake-ups, losing one costs time only. Nothing is sent and nothing is heard
 * of jobs for which nobody waits.
 */
export class EndSignals {
  private readonly pending: Readonly<Record<EndNews, Set<string>>> = {
    waited: new Set(),
    ended: new Set(),
  };
  private readonly notifier: Loop;
  private notifiedAt = -Infinity;

  constructor(
    private readonly signals: Signals,
    private readonly wakeUp: 'listen' | 'off',
  ) {
    this.notifier = new Loop('endNotifier', () => this.notify(), {
      onError: () => undefined,
      maxRestMs: 1_000,
    });
  }

  /** Notifies other processes, soon. */
  send(news: EndNews, ids: Iterable<string>): void {
    if (this.wakeUp === 'off') return;
    for (const id of ids) this.pending[news].add(id);
    this.notifier.start();
    this.notifier.wakeIn(this.notifiedAt + INTERVAL_MS - performance.now());
  }

  /** Hears what other processes tell. */
  receive(news: EndNews, receiver: (ids: string[]) => void): void {
    this.signals.route(FLAGS[news], (words) => receiver(words.split(',')));
  }

  close(): Promise<void> {
    return this.notifier.stop();
  }

  private async notify(): Promise<number> {
    const messages = NEWS.flatMap((news) => this.take(news));
    if (messages.length === 0) return Infinity;
    this.notifiedAt = performance.now();
    for (const [flag, ids] of messages) await this.signals.post(flag, ids.join(','));
    return INTERVAL_MS;
  }

  private take(news: EndNews): [flag: string, ids: string[]][] {
    const ids = [...this.pending[news]];
    this.pending[news].clear();
    const count = Math.ceil(ids.length / IDS_IN_ONE);
    return Array.from({ length: count }, (_, n) => [
      FLAGS[news],
      ids.slice(n * IDS_IN_ONE, (n + 1) * IDS_IN_ONE),
    ]);
  }
}

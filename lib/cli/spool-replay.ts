import { Replayer } from '../enqueue/replayer.js';
import { QueueEventBus } from '../observability/events.js';
import { spoolOf } from '../storage/connection/spool-of.js';
import type { Cli } from './command.js';
import { EXIT } from './exit-code.js';
import { counted } from './numbers.js';

/** Stores what dead processes have left, and with `aside` what was refused before; answers the exit code. */
export async function replayed(
  { screen, session }: Cli,
  folder: string,
  { aside, staleMs }: { aside: boolean; staleMs: number },
): Promise<number> {
  const { storage, options } = await session();
  const events = new QueueEventBus();
  const sum = { jobs: 0, existing: 0, aside: 0 };
  events.on('spooling', (event) => void (event.phase === 'over' && Object.assign(sum, event)));
  events.on('warning', ({ message }) => screen.note({ text: message, tone: 'warn' }));
  const settings = { ...options, leaseMs: staleMs, spool: { folder, maxBytes: Infinity } };
  const spool = await spoolOf(storage.database, settings, (warning) =>
    events.emit('warning', () => warning),
  );
  const replayer = new Replayer(spool, storage, options, events);
  try {
    await spool.upkeep();
    if (aside) await spool.retry(true);
    while (!spool.isEmpty) await replayer.round();
  } finally {
    await spool.close();
  }
  const { jobs, existing, aside: refused } = sum;
  await screen.answer({ dryRun: false, jobs, existing, aside: refused }, () => {
    screen.say(`${counted(jobs, 'job')} stored, ${existing} of them known already.`);
    if (refused > 0) screen.say({ text: `${counted(refused, 'job')} refused and put aside.`, tone: 'bad' }); // prettier-ignore
  });
  return refused > 0 ? EXIT.trouble : EXIT.ok;
}

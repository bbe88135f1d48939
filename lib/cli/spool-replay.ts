import { Replayer } from '../enqueue/replayer.js';
import { QueueEventBus } from '../observability/events.js';
import { QueueError } from '../job/queue.errors.js';
import type { Spool } from '../spool/spool.js';
import { silentFolders } from '../spool/folders.js';
import { spoolOf } from '../storage/connection/spool-of.js';
import type { Cli } from './command.js';
import { EXIT } from './exit-code.js';
import { counted } from './show/numbers.js';

/** Stores what dead processes have left, and with `aside` what was refused before; returns the exit code. */
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
    await spool.takeOver(await silentFolders(folder, staleMs));
    if (aside) await spool.retry(true);
    await emptied(spool, replayer);
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

/** What the disk does not let be finished waits behind the rest, and is reported when nothing else is left. */
async function emptied(spool: Spool, replayer: Replayer): Promise<void> {
  for (let failures = 0; !spool.isEmpty;) {
    try {
      await replayer.round();
    } catch (error) {
      if (error instanceof QueueError || ++failures > spool.segments) throw error;
    }
    // It says that this process lives, too.
    await spool.upkeep();
  }
}

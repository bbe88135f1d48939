import { useEffect, useRef, useState } from 'preact/hooks';
import type { Permission } from './answers.js';
import { Dialog, may, say } from './acting.js';
import { refresh } from './live.js';
import { tell } from './server.js';
import { number } from './words.js';

interface Step {
  counts: Record<string, number>;
  more: boolean;
  at: string;
}

const KINDS = {
  redrive: { permission: 'redrive', verb: 'Run again', counted: ['revived'] },
  'cancel-many': {
    permission: 'cancel',
    verb: 'Cancel',
    counted: ['cancelled', 'requested'],
  },
  purge: { permission: 'purge', verb: 'Delete', counted: ['purged'] },
} as const satisfies Record<string, { permission: Permission; verb: string; counted: string[] }>;

export type Kind = keyof typeof KINDS;
export type Filter = Record<string, string | undefined>;

/** A button that counts first what it would do, and does it in steps that can be stopped. */
export function Many({ kind, filter, label }: { kind: Kind; filter: Filter; label: string }) {
  const [open, setOpen] = useState(false);
  if (!may(KINDS[kind].permission)) return null;
  return (
    <>
      <button
        type="button"
        class={kind === 'redrive' ? '' : 'danger'}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {open && <ManyDialog kind={kind} filter={filter} onClose={() => setOpen(false)} />}
    </>
  );
}

function ManyDialog({
  kind,
  filter,
  onClose,
}: {
  kind: Kind;
  filter: Filter;
  onClose: () => void;
}) {
  const { verb } = KINDS[kind];
  const [counted, setCounted] = useState<Step>();
  const [done, setDone] = useState<number>();
  const [error, setError] = useState('');
  const stopped = useRef(false);
  useEffect(() => {
    tell<Step>(kind, { filter, dryRun: true }).then(setCounted, (refused: Error) =>
      setError(refused.message),
    );
    return () => void (stopped.current = true);
  }, []);
  const run = async (): Promise<void> => {
    setDone(0);
    try {
      const total = await steps(kind, { filter, until: counted!.at }, stopped, setDone);
      say(`${verb}: ${number(total)} done${stopped.current ? ', and stopped' : ''}.`);
      onClose();
    } catch (refused) {
      setError((refused as Error).message);
    } finally {
      refresh();
    }
  };
  return (
    <Dialog title={`${verb}: all jobs that match`} onClose={onClose}>
      <p>
        <code>{filterText(filter)}</code>
      </p>
      {error && (
        <p class="notice bad-notice" role="alert">
          {error}
        </p>
      )}
      {!error && !counted && <p>Counting…</p>}
      {counted && <p role="status">{progressText(verb, kind, counted, done)}</p>}
      <div class="buttons">
        <button type="button" onClick={onClose}>
          {done === undefined ? 'No' : 'Stop'}
        </button>
        {counted && done === undefined && sum(kind, counted) > 0 && (
          <button type="button" class="danger" onClick={() => void run()}>
            {verb}
          </button>
        )}
      </div>
    </Dialog>
  );
}

async function steps(
  kind: Kind,
  // What comes after the count, or ends meanwhile, is not meant: the work would never end.
  meant: { filter: Filter; until: string },
  stopped: { current: boolean },
  onStep: (done: number) => void,
): Promise<number> {
  for (let total = 0; ;) {
    const step = await tell<Step>(kind, { ...meant, dryRun: false });
    const now = sum(kind, step);
    onStep((total += now));
    if (!step.more || now === 0 || stopped.current) return total;
  }
}

const sum = (kind: Kind, { counts }: Step): number =>
  KINDS[kind].counted.reduce((all, name) => all + (counts[name] ?? 0), 0);

function progressText(verb: string, kind: Kind, counted: Step, done?: number): string {
  const all = `${number(sum(kind, counted))}${counted.more ? ' or more' : ''}`;
  if (done !== undefined) return `${number(done)} of ${all} done…`;
  const left = counted.counts.keyTaken ?? 0;
  const keys = left > 0 ? ` ${number(left)} stay, since a live job has their unique key.` : '';
  return sum(kind, counted) === 0
    ? `No job matches.${keys}`
    : `${verb} ${all} ${sum(kind, counted) === 1 ? 'job' : 'jobs'}?${keys}`;
}

const filterText = (filter: Filter): string =>
  Object.entries(filter)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}:${value}`)
    .join(' ') || 'everything that failed';

import { isTerminal, type JobState } from '../job/job-state.js';
import type { Trouble, TroubleCode } from '../job/trouble.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { KeySituation } from '../storage/limits/key.repository.js';
import type { Situation } from '../storage/reading/queue.repository.js';
import { command } from '../runtime/words.js';
import type { Storage } from '../storage/storage.js';
import { troublesOf } from '../troubles/troubles.js';
import { Audit } from './audit.js';
import { keyReasons, Limits } from './limits.js';
import {
  blocked,
  dependent,
  ofNoLane,
  MOST_AHEAD,
  ofStep,
  REASONS,
  type Reason,
  type ReasonCode,
} from './reasons.js';

/** Why a job does not run. */
export interface Explanation {
  id: string;
  /** undefined: no such job is known. */
  state?: JobState;
  /** Everything that holds, the strongest reason first; never empty. */
  reasons: Reason[];
  /** The reasons as sentences. */
  text: string;
  /** Those of `QueueAdmin.troubles()` that this job is part of, with the commands that put them right. */
  troubles: Trouble[];
}

interface Why {
  situation?: Situation;
  reasons: Reason[];
  /** Jobs that keep what it waits for; null: one that has ended, and whose handler goes on. */
  keepers: (string | null)[];
}

/** Which troubles a reason may be part of. */
const TROUBLES_OF: Partial<Record<ReasonCode, readonly TroubleCode[]>> = {
  BLOCKED: ['BLOCKED_GROUPS', 'HUNG_RUNS'],
  KEY_FULL: ['HUNG_RUNS'],
  RUNNING: ['HUNG_RUNS'],
  ENDED: ['POISONED_JOBS', 'UNREADABLE_JOBS', 'DEAD_LETTERS', 'FAILED_WORKFLOWS', 'BLOCKED_GROUPS'],
  LEASE_LOST: ['WORKER_SILENT'],
  NO_HANDLER: ['NO_HANDLER'],
  NO_PLACE: ['LOST_JOBS'],
  NO_WORKER: ['NO_WORKER'],
  QUEUE_PAUSED: ['PAUSED_QUEUES'],
  SLOTS_TAKEN: ['HUNG_RUNS'],
  STAGED: ['STAGED_JOBS', 'EXPIRY_LATE'],
  SUSPECT: ['SUSPECTS'],
};

/** Says why a job does not run, and what of that waits for a person. */
export class Explanations {
  private readonly limits: Limits;

  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
  ) {
    this.limits = new Limits(storage, new Audit(storage));
  }

  async explain(id: string): Promise<Explanation> {
    const { situation, reasons, keepers } = await this.why(id);
    if (!situation) return { id, ...inWords(reasons), troubles: [] };
    return {
      id,
      state: situation.state,
      ...inWords(reasons),
      troubles: await this.troublesOf(situation, reasons, [id, ...keepers]),
    };
  }

  /** The reasons alone: no look at all that waits for a person. */
  async why(id: string): Promise<Why> {
    const situation = await this.storage.queues.explain(id, MOST_AHEAD);
    if (!situation) return { reasons: [await this.notLive(id)], keepers: [] };
    const laneless = situation.name === null && (await this.laneless(id, situation));
    return laneless || this.whyOf(id, situation);
  }

  /** Whether an operator has to put the row of its lane back; what has ended says how as well. */
  private async laneless(id: string, situation: Situation): Promise<Why | undefined> {
    const lane = await this.storage.queues.laneless(id);
    if (!lane) return undefined;
    const ended = isTerminal(situation.state) ? reasonsOf(situation) : [];
    return { situation, reasons: [...ended, ofNoLane(lane, this.options)], keepers: [] };
  }

  private async whyOf(id: string, situation: Situation): Promise<Why> {
    const reasons = reasonsOf(situation);
    const isFull = reasons.some(({ code }) => code === 'SLOTS_TAKEN');
    const keepers = isFull ? situation.full!.map((full) => full.id) : [];
    if (situation.state === 'blocked') {
      const by = await this.blockedBy(id, situation.queue);
      reasons.unshift(...by.reasons);
      keepers.push(...by.keepers);
    }
    if (situation.state === 'staged') await this.nameDependencies(id, reasons);
    if (situation.state === 'ready') reasons.unshift(...(await this.limits.reasons(id)));
    return { situation, reasons, keepers };
  }

  /** No list has a job of the id; it may be that of a step that has not begun. */
  private async notLive(id: string): Promise<Reason> {
    const step = await this.storage.workflows.reading.stepOf(id);
    return step ? ofStep(step) : UNKNOWN;
  }

  /** They commit it. */
  private async nameDependencies(id: string, reasons: Reason[]): Promise<void> {
    const ids = await this.storage.staged.dependencies(id);
    if (ids.length === 0) return;
    const commit = reasons.findIndex(({ code }) => code === 'STAGED');
    reasons.splice(commit, 1);
    reasons.unshift(dependent(ids));
  }

  private async blockedBy(id: string, queue: string): Promise<Why> {
    const key = await this.storage.keys.explain(id, MOST_AHEAD);
    if (key) return this.keptBy(key);
    const group = (await this.storage.jobs.find(id))?.group ?? '';
    const state = await this.storage.groups.describe(queue, group);
    if (!state) return { reasons: [], keepers: [] };
    const reason = blocked(queue, group, { ...state, called: this.options });
    const { holder, dead, haltedBy } = state;
    if (holder && !dead && !haltedBy) reason.text += ` ${await this.inTheWay(holder)}`;
    return { reasons: [reason], keepers: holder ? [holder] : [] };
  }

  private async keptBy(key: KeySituation): Promise<Why> {
    const reasons = keyReasons(key);
    const full = reasons.find(({ code }) => code === 'KEY_FULL');
    const keepers = key.holders.map((holder) => holder.slice(0, ID_LENGTH));
    if (full && keepers[0]) full.text += ` Of the first: ${await this.inTheWay(keepers[0])}`;
    return { reasons, keepers };
  }

  /** What keeps the job that others wait for, as of itself. */
  private async inTheWay(id: string): Promise<string> {
    const situation = await this.storage.queues.explain(id, MOST_AHEAD);
    const [reason] = situation ? reasonsOf(situation) : [];
    const stop = reason?.code === 'RUNNING' ? ` If it never ends: ${command(['cancel', id], this.options)}` : ''; // prettier-ignore
    return reason ? `${reason.text}${stop}` : 'It has ended by now.';
  }

  private async troublesOf(
    { state, queue, name, labels }: Situation,
    reasons: Reason[],
    own: Why['keepers'],
  ): Promise<Trouble[]> {
    const codes = reasons.flatMap(({ code }) => TROUBLES_OF[code] ?? []);
    if (codes.length === 0 || state === 'succeeded' || state === 'cancelled') return [];
    const isItsLane = (trouble: Trouble): boolean =>
      (trouble.queue ?? queue) === queue &&
      (trouble.name ?? name) === name &&
      (trouble.code !== 'NO_HANDLER' || String(trouble.labels ?? []) === String(labels ?? []));
    return (await troublesOf(this.storage, this.options)).filter(
      (trouble) =>
        codes.includes(trouble.code) &&
        isItsLane(trouble) &&
        fits(trouble.code, state) &&
        (trouble.code !== 'HUNG_RUNS' || isAbout(trouble, own)),
    );
  }
}

/** Of ended jobs: some troubles are of poisoned ones alone, and some of all others. */
function fits(code: TroubleCode, state: JobState): boolean {
  if (code === 'POISONED_JOBS' || code === 'UNREADABLE_JOBS') return state === 'poisoned';
  return code !== 'DEAD_LETTERS' || state !== 'poisoned';
}

const reasonsOf = (situation: Situation): Reason[] =>
  REASONS.map((look) => look(situation)).filter((reason) => reason !== undefined);

/** A holder is named by its id, and where it runs. */
const ID_LENGTH = 36;

/** Runs that do not end: the job itself, or one that is in its way. */
const isAbout = ({ ids }: Trouble, own: Why['keepers']): boolean =>
  own.some((id) => (id === null ? !ids : ids?.includes(id)));

const UNKNOWN: Reason = {
  code: 'UNKNOWN',
  text: 'No job has this id: it never was, its transaction has not committed, or its retention is over.',
};

const inWords = (reasons: Reason[]): Pick<Explanation, 'reasons' | 'text'> => ({
  reasons,
  text: reasons.map((reason) => reason.text).join(' '),
});

import { CANCELLED, type Outcome } from '../job/outcome.js';
import type { Run } from '../storage/connection/database.js';
import type { SettleRepository } from '../storage/settle/settle.repository.js';
import { buriedAs, burialOf, isGoing, returnOf, completionOf, type Ended } from './commands.js';

/** Which statements, of which transaction. */
interface SettleTerms {
  settlements: SettleRepository;
  within: Run;
  worker: string;
  /** Of a success, JSON text. */
  output: string | undefined;
}

/** Settles one run in a transaction: what has become of it; undefined where it no longer holds its job. */
export async function settleOne(ended: Ended, terms: SettleTerms): Promise<Outcome | undefined> {
  const { outcome } = ended;
  const { settlements, within, worker, output } = terms;
  if (outcome.kind === 'succeeded')
    return (await settlements.complete(within, worker, completionOf(ended.run, output), ended.run))
      ? outcome
      : undefined;
  if (isGoing(outcome)) {
    const [answer] = await settlements.putBack([returnOf(ended, worker)], within);
    // Its cancel was requested while it ran: it does not go back, it ends.
    return answer?.moved === false
      ? settleOne({ ...ended, outcome: CANCELLED }, terms)
      : answer && outcome;
  }
  const [answer] = await settlements.bury(worker, [burialOf(ended, worker)], within);
  return answer && buriedAs(outcome, answer.state);
}

import { rangeOf } from '../job/values/concurrency.js';
import type { Pooling } from '../storage/connection/connection-probes.js';
import type { Check, Examination } from './check.js';
import { critical, fine, notice, warning, type Observation } from './finding.js';
import { counted, listed, span } from '../runtime/words.js';
import { troubleCheck } from './trouble-checks.js';

const POOLING: Readonly<Record<Pooling, string>> = {
  none: 'There is nothing between this process and the server.',
  session: 'There is a pooler before the server, which keeps a session for each connection.',
  transaction: 'There is a pooler in transaction mode before the server.',
};

async function lookAtPooler({
  diagnosis,
  options: { poolMode },
}: Examination): Promise<Observation[]> {
  const pooling = await diagnosis.pooling();
  const found = POOLING[pooling];
  if ((pooling === 'transaction') === (poolMode === 'transaction')) return [fine(found)];
  if (poolMode === 'transaction')
    return [
      notice(
        found,
        "poolMode is 'transaction', which sends all settings with each statement; leave it out.",
      ),
    ];
  return [
    critical(
      `${found} Settings of the library get lost, and affect connections of the application.`,
      "Set poolMode: 'transaction', or bypass the pooler; see docs/operate/deploying.md.",
    ),
  ];
}

async function lookAtListening({
  diagnosis,
  options,
  timeoutMs,
}: Examination): Promise<Observation[]> {
  if (options.wakeUp === 'off') return [fine('Nothing listens: wakeUp is off.')];
  const heardMs = await diagnosis.listening();
  if (heardMs !== undefined) return [fine(`A NOTIFY comes to a listener in ${span(heardMs)}.`)];
  return [
    warning(
      `A NOTIFY did not come to a listener within ${span(timeoutMs)}: jobs of other processes wait up to ${span(options.pollIntervalMs)} for a poll.`,
      'A pooler in between does not pass on LISTEN, or listenUrl leads to another database: set `listenUrl` to a direct address, or set wakeUp to off.',
    ),
  ];
}

/** The worker keeps the bound by itself; who set more than that probably does not know of it. */
async function lookAtTransactional({
  handlers,
  diagnosis: { poolSize },
}: Examination): Promise<Observation[]> {
  const transactional = handlers?.all().filter(({ options }) => options.transactional) ?? [];
  if (transactional.length === 0 || poolSize === undefined) return [];
  const most = Math.max(1, Math.floor(poolSize / 2));
  const wanted = transactional.reduce(
    (sum, { options }) =>
      sum + (options.concurrency === undefined ? 0 : rangeOf(options.concurrency).max),
    0,
  );
  const names = listed(transactional.map(({ label }) => label));
  if (wanted <= most)
    return [fine(`Transactional handlers (${names}) fit into half of the pool of ${poolSize}.`)];
  return [
    notice(
      `Transactional handlers (${names}) may run ${wanted} jobs, but take at most half of the pool of ${counted(poolSize, 'connection')} at once: ${most}.`,
      'Raise poolSize (or extra.max) of the DataSource to twice their concurrency, or lower it.',
    ),
  ];
}

/** What is between this process and the server. */
export const CONNECTION_CHECKS: readonly Check[] = [
  { code: 'POOLER', subject: 'the way to the server', look: lookAtPooler },
  troubleCheck('LISTEN', lookAtListening),
  {
    code: 'TRANSACTIONAL_HANDLERS',
    subject: 'the transactional handlers',
    look: lookAtTransactional,
  },
];

const number = (digits) => (value) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const whole = number(0);
const adaptive = (value) => number(value >= 100 ? 0 : value >= 10 ? 1 : 2)(value);
const mega = (value) => adaptive(value / 1e6);

/** Every figure that a table may show: its heading and how it is written. */
export const COLUMNS = {
  jobsPerSecond: ['jobs/s', (value) => (value >= 10 ? whole(value) : adaptive(value))],
  databaseCpu: ['database CPU, s per 100,000', adaptive],
  workerCpu: ['worker CPU, s per 100,000', adaptive],
  walPerJob: ['WAL, bytes a job', whole],
  fillWalPerJob: ['WAL of its enqueue', whole],
  deadPerJob: ['dead rows a job', adaptive],
  statementsPerJob: ['statements a job', (value) => number(value >= 1 ? 2 : 4)(value)],
  commitsPerJob: ['commits a job', (value) => number(value >= 1 ? 2 : 4)(value)],
  rssBytes: ['peak RSS, MB', (value) => whole(value / 1e6)],
  sizeBytes: ['tables after, MB', mega],
  p50Ms: ['p50, ms', number(2)],
  p95Ms: ['p95, ms', number(2)],
  p99Ms: ['p99, ms', number(2)],
  callP50Ms: ['from the call: p50, ms', number(2)],
  callP99Ms: ['p99, ms', number(2)],
  stepMs: ['from step to step, ms', adaptive],
  flowMs: ['first to last job, ms', adaptive],
  storeMs: ['its start, ms', adaptive],
  jobs: ['jobs', whole],
  disorder: ['out of order', whole],
  addedMs: ['added by the job, ms', number(3)],
  plainInsertMs: ['added by a plain INSERT, ms', number(3)],
  timesPlainInsert: ['job / plain INSERT', number(2)],
  transactionMs: ['the transaction alone, ms', number(3)],
  firstTenth: ['first tenth, jobs/s', whole],
  lastTenth: ['last tenth, jobs/s', whole],
  lastToFirst: ['last / first', number(2)],
  firstClaimsMs: ['slowest of the first 10 claims, ms', number(1)],
  slowestClaimMs: ['slowest claim, ms', number(1)],
  firstJobMs: ['start to first job, ms', number(1)],
  slowestShare: ['slowest / promised', number(2)],
  late100Ms: ['0.1 s late: found after, ms', number(1)],
  late1000Ms: ['1 s late', number(1)],
  late20000Ms: ['20 s late', number(1)],
  inFlight: ['in flight', whole],
  statementsPerSecond: ['statements/s', number(2)],
  statementsPerBeat: ['statements in 5 s', number(1)],
  databaseCpuPerMinute: ['database CPU, s a minute', number(2)],
  workerCpuPerMinute: ['worker CPU, s a minute', number(2)],
  walPerSecond: ['WAL, bytes/s', whole],
  jobRowsWritten: ['rows rewritten', whole],
};

export function write(key, value) {
  return value === undefined || Number.isNaN(value) ? '-' : COLUMNS[key][1](value);
}

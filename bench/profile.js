// npm run bench:profile [-- --variant ours --jobs 300000 --keep --out drain.cpuprofile --top 40]
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { Lab } from './lab/lab.js';
import { topFunctions } from './report/top-functions.js';
import { VARIANTS } from './systems/variants.js';

const options = new Command('bench:profile')
  .description(
    'Profiles a drain: writes a .cpuprofile and prints where Node and PostgreSQL spend their time.',
  )
  .option('--variant <id>', 'what to profile', 'ours')
  .option('--jobs <count>', 'jobs to drain', Number, 300_000)
  .option('--enqueue', 'profile enqueueing by 20 callers instead')
  .option('--bulk', 'profile one bulk enqueue instead')
  .option('--keep', 'finished jobs are kept')
  .option(
    '--out <file>',
    'the profile',
    fileURLToPath(new URL('./dist/drain.cpuprofile', import.meta.url)),
  )
  .option('--top <count>', 'functions to print', Number, 40)
  .parse()
  .opts();

const lab = await Lab.open({ quietLimits: { run: 20_000 } });
try {
  const settings = { keep: Boolean(options.keep) };
  const { profile, figures, statements } = await lab.sample(
    VARIANTS[options.variant],
    { settings, counting: true },
    profiled,
  );
  writeFileSync(options.out, JSON.stringify(profile));
  print({ profile, figures, statements });
} finally {
  await lab.close();
}

async function profiled(sample) {
  const [worker] = await sample.spawn(1);
  if (options.enqueue || options.bulk) await worker.call('bulk', { count: 5_000 });
  else await prepareDrain(sample, worker);
  await sample.target.analyze();
  let profile;
  const figures = await sample.measured([worker], async () => {
    await worker.call('profile');
    const answer = await work(sample, worker);
    ({ profile } = await worker.call('profiled'));
    return answer;
  });
  return { profile, figures, statements: await sample.target.statements(10) };
}

async function prepareDrain(sample, worker) {
  await sample.warm([worker], 5_000);
  await sample.fill({ count: options.jobs });
}

function work(sample, worker) {
  if (options.enqueue) return enqueue(worker);
  return options.bulk ? bulk(worker) : drain(sample, worker);
}

async function bulk(worker) {
  const { ms } = await worker.call('bulk', { count: options.jobs });
  return { jobs: options.jobs, jobsPerSecond: (options.jobs * 1_000) / ms };
}

async function drain(sample, worker) {
  const order = { handler: 'noop', limitMs: 120_000 };
  await sample.workUntil([worker], options.jobs, order);
  const end = await sample.untilDrained(10_000);
  const { firstAt, done } = await worker.call('report');
  return { jobs: done, jobsPerSecond: (done * 1_000) / (end - firstAt) };
}

async function enqueue(worker) {
  const { ms, done } = await worker.call('produce', {
    count: options.jobs,
    callers: 20,
    limitMs: 60_000,
  });
  return { jobs: done, jobsPerSecond: (done * 1_000) / ms };
}

function print({ profile, figures, statements }) {
  const { functions, files, seconds } = topFunctions(profile, options.top);
  const perJob = (ms) => ((ms * 1_000) / figures.jobs).toFixed(2);
  console.log(
    `${figures.jobs} jobs, ${Math.round(figures.jobsPerSecond)} a second while profiled; per 100,000 jobs: worker ` +
      `${figures.workerCpu.toFixed(2)} s, PostgreSQL ${figures.databaseCpu.toFixed(2)} s of CPU; ${seconds.toFixed(2)} s sampled.\n`,
  );
  console.log(
    markdownTable([['where', 'us a job'], ...files.map(({ name, ms }) => [name, perJob(ms)])], {
      align: ['l', 'r'],
    }),
    '\n',
  );
  console.log(
    markdownTable(
      [
        ['function', 'self, us a job', 'with what it calls'],
        ...functions.map((f) => [f.name, perJob(f.selfMs), perJob(f.totalMs)]),
      ],
      { align: ['l', 'r', 'r'] },
    ),
    '\n',
  );
  const lines = statements.map(({ query, calls, ms }) => [
    query.slice(0, 70).replaceAll('|', '/'),
    String(calls),
    ms.toFixed(0),
    (ms / calls).toFixed(2),
  ]);
  console.log(
    markdownTable([['statement', 'calls', 'ms', 'ms a call'], ...lines], {
      align: ['l', 'r', 'r', 'r'],
    }),
  );
  console.log(`\nWritten: ${options.out} (opens in a browser's developer tools)`);
}

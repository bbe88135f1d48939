// npm run bench:explain [-- --rows 1000000 --only settle]
import { Command } from 'commander';
import pg from 'pg';
import { Lab } from './lab/lab.js';
import { SESSION } from './systems/floor.sql.js';
import { VARIANTS } from './systems/variants.js';

const options = new Command('bench:explain')
  .description(
    'Prints how PostgreSQL runs the hot statements when each table holds a million rows.',
  )
  .option('--rows <count>', 'ready jobs, and as many scheduled ones', Number, 1_000_000)
  .option('--only <name>', 'statements whose name contains this')
  .parse()
  .opts();

/** Five hundred ids tell nothing. */
const LONG_LIST = /'\{[^}]{200,}\}'/g;

const lab = await Lab.open({ quietLimits: { run: 0 } });
const { hotStatements } = await import('./lab/hot-statements.js');
try {
  await lab.sample(VARIANTS.ours, {}, explainAll);
} finally {
  await lab.close();
}

async function explainAll(sample) {
  await sample.fill({ count: options.rows });
  await sample.fill({ count: options.rows, kind: 'later' });
  await sample.stopWorkers();
  await sample.target.query('vacuum analyze');
  const client = new pg.Client({ connectionString: sample.target.settings.url });
  await client.connect();
  await client.query(SESSION);
  const statements = await hotStatements(client);
  for (const entry of statements.filter(
    ({ title }) => !options.only || title.includes(options.only),
  ))
    await explain(client, entry);
  await client.end();
}

/** The second run is shown: the first one reads what is not in memory yet. Nothing stays changed. */
async function explain(client, { title, text, values }) {
  let lines = [];
  for (let run = 0; run < 2; run++) {
    await client.query('begin');
    const { rows } = await client.query({
      text: `explain (analyze, buffers, costs off) ${text}`,
      values,
    });
    await client.query('rollback');
    lines = rows.map((row) => row['QUERY PLAN'].replaceAll(LONG_LIST, "'{...}'"));
  }
  console.log(`## ${title}\n\n${lines.join('\n')}\n`);
}

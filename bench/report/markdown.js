import { markdownTable } from 'markdown-table';
import { isOurs, VARIANTS } from '../systems/variants.js';
import { COLUMNS, write } from './columns.js';
import { REASONS } from './reasons.js';

/** The whole report: the machine, the goals, a table a row. `charts`: rows that have a picture beside this file. */
export function markdown(results, charts = new Map()) {
  const goals =
    charts.size > 0 ? results.goals : results.goals.filter((goal) => goal.value !== undefined);
  const sections = results.rows.map((row) => section(row, charts.get(row.id)));
  const parts = [
    head(results),
    goalTable(goals),
    missed(goals),
    ...sections,
    foot(results),
    legend(),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function head({ machine, quick, date, runs = 1 }) {
  const node = Object.values(machine.node).filter(Boolean).join(' and ');
  const redis = machine.redis
    ? `Redis ${machine.redis}`
    : 'no Redis (redis-server is not installed: BullMQ was left out)';
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  const lines = [
    '# Lab book',
    'For contributors; readers have [a page of their own](reference/benchmarks.md). ' +
      `Written by \`npm run bench\`${quick ? ' -- --quick: few small samples, rough figures' : ''} on ${date.slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, ` +
      `${machine.memoryGiB} GiB, Linux ${machine.linux}; PostgreSQL ${machine.postgres} with its default durability (fsync, full_page_writes and ` +
      `synchronous_commit on), ${redis}, Node ${node}; ${packages.join(', ')}. Servers and workers share the machine: read the figures as ratios.`,
    'All systems take turns in one run, each sample in fresh tables and processes. Figures are medians of the samples in which other processes ' +
      'used less than a tenth of a core; `~` marks those without any. Ratios are to this library with its defaults. Tables show the first ' +
      'columns; `--json` has all.',
  ];
  if (runs > 1)
    lines.push(`The rows were joined from ${runs} runs on the same machine (\`--with\`).`);
  return lines.join('\n\n');
}

function goalTable(goals) {
  const rows = goals.map(({ name, goal, value, reached }) => [
    name,
    goal,
    valueText(value),
    reached === undefined ? 'not measured' : reached ? 'yes' : '**no**',
  ]);
  return `## Goals\n\n${table([['what', 'goal', 'measured', 'reached'], ...rows], ['l', 'r', 'r', 'l'])}`;
}

/** What profiles say of the goals that were missed, and what was tried. */
function missed(goals) {
  const lines = goals
    .filter(({ name, reached }) => reached === false && REASONS[name])
    .map(({ name }) => `- **${name}**: ${REASONS[name]}`);
  return lines.length > 0 ? `Of those that were missed:\n\n${lines.join('\n')}` : '';
}

const valueText = (value) =>
  value === undefined ? '-' : value.toFixed(Math.abs(value) >= 100 ? 0 : 2);

export function section(row, chart) {
  const picture = chart ? `\n\n![chart](${chart})` : '';
  const note = row.note ? `\n\n${row.note}` : '';
  return `## ${row.title}${note}${picture}\n\n${rowTable(row)}`;
}

/** Columns beside the headline and its ratio that a table shows; `--json` has all. */
const SHOWN = 1;

export function rowTable(row) {
  const own = row.cells.find((cell) => isOurs(VARIANTS[cell.variant]))?.median?.[row.headline];
  const keys = [row.headline, ...row.columns.slice(0, SHOWN)];
  const [headline, ...others] = keys.map((key) => COLUMNS[key][0]);
  const titles = ['variant', headline, 'ratio', ...others];
  const lines = row.cells.map((cell) => cellLine(cell, keys, own));
  return table([titles, ...lines], ['l', ...titles.slice(1).map(() => 'r')]);
}

const table = (rows, align) => markdownTable(rows, { align, alignDelimiters: false });

function cellLine({ variant, median: figures, missing, problems }, keys, own) {
  const name = variant === 'ours' ? '**ours**' : variant;
  if (!figures?.samples) {
    const why = missing ?? problems[0]?.split('\n')[0].slice(0, 80) ?? '-';
    return [name, why, '', ...keys.slice(1).map(() => '-')];
  }
  const [headline, ...others] = keys.map((key) => write(key, figures[key]));
  const share = figures[keys[0]] / own;
  const ratio = Number.isFinite(share) ? share.toFixed(2) : '-';
  return [name, `${figures.noisy ? '~' : ''}${headline}`, ratio, ...others];
}

const NOT_INSTALLED =
  'Not measured: River for TypeScript, which needs Node.js 26, and Hatchet, which needs its own server beside the database. Both are in the [comparison](move/comparison.md).';

/** What the names in the tables mean. */
function legend() {
  const lines = Object.values(VARIANTS).map(
    ({ id, title, configuration }) => `- \`${id}\`: ${title}, ${configuration}`,
  );
  return `## Variants\n\n${lines.join('\n')}\n\n${NOT_INSTALLED}`;
}

function foot({ later, seconds }) {
  const open = later.length > 0 ? `Not measured yet: ${later.join(', ')}.\n\n` : '';
  return `${open}The run took ${Math.round(seconds / 60)} minutes.`;
}

import { isClean, summarise } from '../report/summary.js';
import { counted } from '../rows/sizes.js';
import { VARIANTS } from '../systems/variants.js';

/** Samples beyond the planned ones that a noisy machine may cost a row. */
const MAX_REPEATS = 5;

/** How many samples of a cell. */
export function roundsOf(row, sizes) {
  const timed = Math.min(sizes.samples, row.samples ?? Infinity);
  return countsApart(row, sizes) ? timed + 1 : timed;
}

/** Where a row shows how many statements a job takes, the first of several samples counts them and is not timed. */
const countsApart = ({ columns = [] }, { samples }) =>
  samples > 1 && columns.includes('statementsPerJob');

/** Goes through the rows, sample by sample and system by system (A B A B), so that what changes with time changes for all. */
export class Runner {
  constructor({ lab, sizes, progress, stopped = () => false }) {
    this.lab = lab;
    this.sizes = sizes;
    this.progress = progress;
    this.stopped = stopped;
  }

  async run(rows) {
    const results = [];
    for (const row of rows) if (!this.stopped()) results.push(await this.runRow(row));
    return results;
  }

  async runRow(row) {
    const cells = this.cellsOf(row);
    const rounds = roundsOf(row, this.sizes);
    for (let round = 0; round < rounds; round++)
      for (const cell of cells) await this.runCell(row, cell, round);
    await this.repeatNoisy(row, cells);
    for (const cell of cells) cell.median = summarise(cell.samples);
    const { id, title, note, headline, better = 'more', columns } = row;
    return { id, title, note, headline, better, columns, cells };
  }

  cellsOf(row) {
    return row.variants.map((id) => ({
      variant: id,
      missing: this.lab.missing(VARIANTS[id]),
      samples: [],
      problems: [],
    }));
  }

  async runCell(row, cell, round) {
    this.progress.step(row, VARIANTS[cell.variant]);
    // What failed once is not tried again and again.
    if (cell.missing || cell.problems.length > 1) return;
    const counting = round === 0 && (countsApart(row, this.sizes) || this.sizes.samples === 1);
    try {
      const startedAt = performance.now();
      const sample = await row.run(this.lab, VARIANTS[cell.variant], {
        sizes: counting && countsApart(row, this.sizes) ? counted(this.sizes) : this.sizes,
        counting,
      });
      cell.samples.push({
        ...sample,
        sampleSeconds: (performance.now() - startedAt) / 1_000,
        counted: counting && this.lab.postgres.counts,
      });
    } catch (error) {
      cell.problems.push(error.message);
      this.progress.say(`${row.id}, ${cell.variant}: ${error.message}`);
    }
  }

  /** A cell of which hardly a sample was quiet gets some more; after that it is shown as it is, marked. */
  async repeatNoisy(row, cells) {
    if (this.sizes.samples === 1) return;
    for (let repeat = 0; repeat < MAX_REPEATS; repeat++) {
      const noisy = cells.filter((cell) => isNoisy(cell));
      if (noisy.length === 0) return;
      for (const cell of noisy) await this.runCell(row, cell, 1);
    }
  }
}

function isNoisy(cell) {
  const timed = cell.samples.filter((sample) => !sample.counted);
  return timed.length > 0 && timed.filter(isClean).length < Math.min(2, timed.length);
}

import { SingleBar } from 'cli-progress';

/** A bar on a terminal, a line a row elsewhere; both on stderr, so that the tables can be piped. */
export class Progress {
  constructor(total) {
    this.total = total;
    this.steps = 0;
    this.startedAt = performance.now();
    if (process.stderr.isTTY) this.bar = makeBar(total);
  }

  step(row, variant) {
    this.steps++;
    if (this.bar) {
      this.bar.setTotal(Math.max(this.total, this.steps));
      this.bar.update(this.steps, { what: `${row.id}: ${variant.id}` });
    } else if (this.row !== row) process.stderr.write(`${this.seconds()} s  ${row.title}\n`);
    this.row = row;
  }

  say(text) {
    process.stderr.write(`${this.bar ? '\n' : ''}${text}\n`);
  }

  end() {
    this.bar?.stop();
  }

  seconds() {
    return Math.round((performance.now() - this.startedAt) / 1_000);
  }
}

function makeBar(total) {
  const bar = new SingleBar({
    format: '{bar} {value}/{total}  {duration_formatted}  {what}',
    hideCursor: true,
    stream: process.stderr,
  });
  bar.start(total, 0, { what: '' });
  return bar;
}

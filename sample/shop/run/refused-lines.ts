import { writeFileSync } from 'node:fs';
import { number } from './wording.js';
import type { Screen } from './screen.js';

const SHOWN = 5;

/** Tells the first bad lines one by one; all of them go to a file. */
export class RefusedLines {
  private readonly complaints: string[] = [];

  constructor(
    private readonly screen: Screen,
    private readonly file: string,
  ) {}

  add(line: number, problem: string): void {
    this.complaints.push(`line ${line}: ${problem}`);
    if (this.complaints.length <= SHOWN) this.screen.say(`  line ${line}: ${problem}`);
  }

  get count(): number {
    return this.complaints.length;
  }

  close(): void {
    if (this.count <= SHOWN) return;
    const inOrder = this.complaints.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    writeFileSync(this.file, `${inOrder.join('\n')}\n`);
    this.screen.say(`Bad lines: ${number(this.count)}, all of them in ${this.file}`);
  }
}

import type { Audit } from './audit.js';
import { number, seconds } from './wording.js';

export interface Tally {
  good: number;
  /** Good ones that the shop had before. */
  known: number;
  bad: number;
  kills: number;
  placedMs: number;
  doneMs: number;
}

export function reportLines(tally: Tally, found: Audit): string[] {
  const known = tally.known > 0 ? `, ${number(tally.known)} of them there already` : '';
  const lines = [
    `orders     ${number(tally.good)} good${known}, ${number(tally.bad)} bad`,
    `receipts   ${number(found.receipts)}, ${receiptsVerdict(found)}`,
    `webhooks   ${number(found.delivered)} delivered, ${number(found.dead)} in the dead letter queue, ${deadVerdict(found)}`,
    `summaries  ${number(found.summaries)} days`,
    `time       placed in ${seconds(tally.placedMs)}${rate(tally)}, all done in ${seconds(tally.doneMs)}`,
  ];
  return tally.kills > 0
    ? [...lines, `crashes    ${tally.kills} workers killed with SIGKILL`]
    : lines;
}

function receiptsVerdict({ missing, repeated }: Audit): string {
  if (missing === 0 && repeated === 0) return 'exactly one for every good order';
  return `WRONG: ${number(missing)} good orders have none, ${number(repeated)} more than one`;
}

function deadVerdict({ hopeless, dead, wronglyDead }: Audit): string {
  if (wronglyDead > 0) return `WRONG: ${number(wronglyDead)} jobs died that should not`;
  if (dead !== hopeless) return `WRONG: ${number(hopeless)} customers always fail`;
  return 'all to customers that always fail';
}

function rate({ good, known, placedMs }: Tally): string {
  return good > known
    ? ` (${number(Math.round(((good - known) * 1_000) / placedMs))} orders a second)`
    : '';
}

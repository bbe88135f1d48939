// Compares the calendar with a slow one: each IANA zone of this Node.js, each change of the clocks in ten years, 200 patterns, both rules.
// node --import ./test/support/typescript.mjs test/schedules/calendar/compare-all.mjs [first zone] [step]
import { changesOf, compareAround, emptyTally, PATTERNS } from './acceptance.ts';

const [first = '0', step = '1'] = process.argv.slice(2);
const RULES = [
  { skipped: 'after', repeated: 'first' },
  { skipped: 'skip', repeated: 'both' },
];
const tally = emptyTally();
const started = performance.now();
for (const [index, zone] of Intl.supportedValuesOf('timeZone').entries()) {
  if (index % Number(step) !== Number(first)) continue;
  tally.zones++;
  for (const change of changesOf(zone, 2026, 2035))
    for (const rule of RULES) compareAround(zone, change, rule, PATTERNS, tally);
}
const { lost, doubled, ...counts } = tally;
const seconds = Math.round((performance.now() - started) / 1_000);
console.log(
  JSON.stringify({
    ...counts,
    patterns: PATTERNS.length,
    lost: lost.length,
    doubled: doubled.length,
    seconds,
  }),
);
console.log(
  process.versions.node,
  process.versions.tz,
  [...lost.slice(0, 20), ...doubled.slice(0, 20)].join('\n'),
);
process.exitCode = lost.length + doubled.length > 0 ? 1 : 0;

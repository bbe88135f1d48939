import type { Finding, FindingCode, FindingLevel } from '../../../doctor/finding.js';
import type { AddCommand, Cli } from '../../command.js';
import { EXIT } from '../../exit-code.js';
import type { Screen } from '../../show/screen.js';
import type { Tone } from '../../show/table.js';
import { examples } from '../../examples.js';

interface DoctorFlags {
  strict?: boolean;
  only?: string;
}

/** A check takes no longer than this, whatever `--timeout` allows. */
const MOST_MS = 600_000;

/** `doctor`: what makes the queue slow, stuck or unsafe, and what to do; fails for a deploy to stop at. */
export const addDoctor: AddCommand = (program, act) => {
  program
    .command('doctor')
    .description(
      'looks for whatever slows, blocks or endangers queues, and says what to do; changes nothing',
    )
    .option('--strict', 'fail for warnings, too')
    .option('--only <codes>', 'check only these, by their codes, separated by commas')
    .addHelpText(
      'after',
      `\nExit code 1: something is critical (with --strict: or a warning).\n${examples('doctor --only SCHEMA,SCHEMA_DRIFT,RIGHTS --json')}`,
    )
    .action(act((cli, flags: DoctorFlags) => examine(cli, flags)));
};

async function examine(cli: Cli, { strict = false, only }: DoctorFlags): Promise<number> {
  const { storage, options } = await cli.session({ anyVersion: true });
  const codes = only?.split(',').map((code) => code.trim().toUpperCase() as FindingCode);
  const timeoutMs = Math.min(cli.flags.timeout * 1_000, MOST_MS);
  const { QueueDoctor } = await import('../../../doctor/queue-doctor.js');
  // How this session reaches the database is no application's choice: it is examined as one that says nothing.
  const asApplication = { ...options, poolMode: 'session' } as const;
  const findings = await new QueueDoctor(storage, asApplication).examine({
    timeoutMs,
    only: codes,
  });
  await cli.screen.answer({ findings }, () => show(cli.screen, findings));
  const fails: FindingLevel[] = strict ? ['critical', 'warning'] : ['critical'];
  return findings.some(({ level }) => fails.includes(level)) ? EXIT.trouble : EXIT.ok;
}

const TONES: Readonly<Record<FindingLevel, Tone>> = {
  critical: 'bad',
  warning: 'warn',
  notice: 'strong',
  ok: 'good',
};
const WIDTH = 'critical'.length;

function show(screen: Screen, findings: Finding[]): void {
  for (const { level, code, found, advice } of findings) {
    screen.say(
      { text: level.padEnd(WIDTH), tone: TONES[level] },
      ' ',
      { text: code, tone: 'dim' },
      ' ',
      found,
    );
    if (advice) screen.say(`${' '.repeat(WIDTH)} `, { text: advice, tone: 'dim' });
  }
}

import type { INestApplicationContext } from '@nestjs/common';
import { QueueDoctor, type Finding } from 'nestjs-simple-queue/admin';

// #region check
/** Before a deploy: could the new build work on what is queued now? Start it with `worker: { autoStart: false }` for this. */
export async function deployCheck(app: INestApplicationContext): Promise<Finding[]> {
  const findings = await app
    .get(QueueDoctor)
    .examine({ only: ['SCHEMA', 'SCHEMA_DRIFT', 'RIGHTS', 'HANDLERS', 'TEMPLATES'] });
  return findings.filter(({ level }) => level === 'critical' || level === 'warning');
}
// #endregion

import { shownProgress, type JobProgress } from '../../job/progress.js';
import type { Screen } from './screen.js';

const WIDTH = 20;

/** How far a job has come, with a bar where a terminal shows it. */
export function progressText(progress: JobProgress, { width }: Pick<Screen, 'width'>): string {
  const { share } = progress;
  const filled = share === undefined || width === undefined ? undefined : Math.floor(share * WIDTH);
  const bar = filled === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} `;
  return bar + shownProgress(progress);
}

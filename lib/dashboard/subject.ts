const LONGEST = 200;

/** What was acted on, for the log: names and ids, and nothing that an application has put into a job. */
export function subjectOf(said: Record<string, unknown>): string {
  const { id, ids, queue, name, dryRun } = said;
  const named = [queue, name, id].filter((part) => typeof part === 'string');
  const jobs = Array.isArray(ids) ? [`${ids.length} jobs: ${ids.slice(0, 5).join(', ')}`] : [];
  const dry = dryRun === true ? ['(dry run)'] : [];
  const parts = [...named, ...jobs];
  return oneLine([...(parts.length > 0 ? parts : ['by a filter']), ...dry].join(' '));
}

/** Nobody's name makes lines of its own in a log. */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').slice(0, LONGEST);

/** What is returned in place of what did not come in time. */
export const LATE = Symbol('late');

/** The answer, or `LATE` after `ms`: the work goes on, and its failure then bothers nobody. */
export async function within<Answer>(
  work: Promise<Answer>,
  ms: number,
): Promise<Answer | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => (timer = setTimeout(() => resolve(LATE), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Works on each part in turn; the next part is made while the last one is being worked on. Ends with the first failure of either. */
export async function overlap<Part>(
  parts: Iterable<Part> | AsyncIterable<Part>,
  work: (part: Part) => Promise<unknown>,
): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  try {
    for await (const part of parts) {
      await last;
      last = work(part);
      // Its failure is heard of at the next await; until then nobody is to call it unhandled.
      last.catch(() => undefined);
    }
  } finally {
    // Also where making a part failed: nothing may still be under way when the caller rolls back.
    await last;
  }
}

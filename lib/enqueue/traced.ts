import type { EnqueueCall, Telemetry } from '../observability/telemetry.js';

/** Stores within what telemetry makes of the call. It stores once, whatever telemetry does. */
export async function traced<Answer>(
  telemetry: Telemetry,
  call: EnqueueCall,
  store: (headers?: Record<string, string>) => Promise<Answer>,
): Promise<Answer> {
  let stored: Promise<Answer> | undefined;
  try {
    await telemetry.enqueue!(call, (headers) => (stored ??= store(headers)));
  } catch {
    // Its own error is nobody's; an error of the storing is told below.
  }
  return stored ?? store();
}

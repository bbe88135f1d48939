export interface Gate {
  /** Resolves once the gate is open. */
  readonly passed: Promise<void>;
  open(): void;
}

/** Holds up whoever awaits `passed` until the test says `open()`. */
export function aGate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** What never ends: a handler that ignores everything. */
export const never = (): Promise<never> => new Promise(() => undefined);

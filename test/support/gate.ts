export interface Gate {
  /** Resolves once the gate is open. */
  readonly passed: Promise<void>;
  open(): void;
}

const gates: Gate[] = [];

/** Holds up whoever awaits `passed` until the test says `open()`. */
export function aGate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  const gate = { passed, open };
  gates.push(gate);
  return gate;
}

/** All that this file's tests have closed: of a test that failed nobody else opens them. */
export const openAllGates = (): void => gates.splice(0).forEach((gate) => gate.open());

/** What never ends: a handler that ignores everything. */
export const never = (): Promise<never> => new Promise(() => undefined);

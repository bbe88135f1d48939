/** Whose methods, and those of its parts, all return promises. */
type Asynchronous<Whole> = {
  [Key in keyof Whole]: Whole[Key] extends (...args: never[]) => infer Returned
    ? Returned extends Promise<unknown>
      ? Whole[Key]
      : never
    : Asynchronous<Whole[Key]>;
};

type Method = (...args: unknown[]) => unknown;
type Part = Record<string, Method>;

/** Stands for what the first call of any of its methods loads; calls after that reach it at once. */
export function later<Whole extends Asynchronous<Whole>>(load: () => Promise<Whole>): Whole {
  let whole: Whole | undefined;
  const loaded = async (): Promise<Whole> => (whole ??= await load());
  return standIn<Whole>((call) => (whole ? call(whole) : loaded().then(call)));
}

function standIn<Whole>(reach: (call: (whole: Whole) => unknown) => unknown): Whole {
  const part = (owner: (whole: Whole) => Part, key: string): Method => {
    const method: Method = (...args) => reach((whole) => owner(whole)[key]!(...args));
    return withParts(method, (next) => part((whole) => owner(whole)[key] as unknown as Part, next));
  };
  return withParts({}, (key) => part((whole) => whole as Part, key)) as Whole;
}

/** Whoever awaits it looks for a `then`. */
function withParts<Target extends object>(target: Target, make: (key: string) => Method): Target {
  return new Proxy(target, {
    get(made: Target & Part, key) {
      if (typeof key === 'symbol' || key === 'then') return undefined;
      return (made[key as keyof typeof made] ??= make(key) as never);
    },
  });
}

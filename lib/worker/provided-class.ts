import { MetadataScanner, type DiscoveryService } from '@nestjs/core';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];
type Class = abstract new (...args: never[]) => object;
type Method = (...args: never[]) => unknown;

/** A class that the application provides, and its instance. */
export class ProvidedClass {
  private constructor(
    readonly type: Class,
    private readonly wrapper: InstanceWrapper,
  ) {}

  /**
   * All provided classes. Nest 11 finds no factory-made ones by a metadata key, so they are looked through one by one. An alias (`useExisting`)
   * is the class that it names, which comes by itself.
   */
  static *in(discovery: DiscoveryService): Iterable<ProvidedClass> {
    for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
      const type = wrapper.isAlias ? undefined : typeOf(wrapper);
      if (type) yield new ProvidedClass(type, wrapper);
    }
  }

  get name(): string {
    return this.type.name;
  }

  get module(): string {
    return this.wrapper.host?.name ?? 'an unknown module';
  }

  get instance(): object {
    return this.wrapper.instance as object;
  }

  /** undefined: one instance for the whole application, made at start. */
  get scope(): 'request' | 'transient' | undefined {
    if (this.wrapper.isTransient) return 'transient';
    return this.wrapper.isDependencyTreeStatic() ? undefined : 'request';
  }

  /** The instance's method of this name, bound once, so that a call passes through nothing. */
  method<Bound extends Method>(name: string): Bound | undefined {
    const method = (this.instance as Record<string, unknown>)[name];
    return typeof method === 'function' ? (method.bind(this.instance) as Bound) : undefined;
  }

  mark<Mark>(key: symbol): Mark | undefined {
    return Reflect.getMetadata(key, this.type) as Mark | undefined;
  }

  /** The marks on its methods, inherited ones too. */
  methodMarks<Mark extends object>(key: symbol): (Mark & { method: string })[] {
    const prototype = this.type.prototype as object | undefined;
    return new MetadataScanner().getAllMethodNames(prototype ?? null).flatMap((method) => {
      const marks = (Reflect.getMetadata(key, prototype as object, method) ?? []) as Mark[];
      return marks.map((mark) => ({ ...mark, method }));
    });
  }
}

/** useClass carries the class; useFactory and useValue only what was made. */
function typeOf(wrapper: InstanceWrapper): Class | undefined {
  const made = !wrapper.metatype || wrapper.inject;
  const type: unknown = made ? (wrapper.instance as object | undefined)?.constructor : wrapper.metatype;
  return typeof type === 'function' ? (type as Class) : undefined;
}

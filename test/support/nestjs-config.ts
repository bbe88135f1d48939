import { Module, type DynamicModule } from '@nestjs/common';

/** Stands in for `@nestjs/config` in examples: what they use of it, with its signatures. */
export class ConfigService {
  get<T>(name: string): T | undefined {
    return process.env[name] as T | undefined;
  }

  getOrThrow<T>(name: string): T {
    const value = this.get<T>(name);
    if (value === undefined) throw new TypeError(`Configuration key "${name}" does not exist`);
    return value;
  }
}

@Module({})
export class ConfigModule {
  static forRoot({ isGlobal }: { isGlobal: boolean }): DynamicModule {
    return {
      module: ConfigModule,
      global: isGlobal,
      providers: [ConfigService],
      exports: [ConfigService],
    };
  }
}

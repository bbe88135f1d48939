// Preloaded into a child: its clock is CLOCK_SKEW_MS off. What measures durations (performance.now) is not touched, as by a wrong clock.
const skew = Number(process.env.CLOCK_SKEW_MS);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...values) {
    super(...(values.length === 0 ? [RealDate.now() + skew] : values));
  }

  static now() {
    return RealDate.now() + skew;
  }
};

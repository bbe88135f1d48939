/** Ctrl-C, twice: the first lets Nest's shutdown hooks finish what runs, the second ends at once. */
export function onSignals(onFirst: () => void): void {
  let stopping = false;
  const onSignal = () => {
    if (stopping) process.exit(130);
    stopping = true;
    onFirst();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
}

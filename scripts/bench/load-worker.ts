/** The process that `load.ts` starts: answers every `Load` that it is sent with a `Measurement`. */
import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import type { FromWorker, Load, Measurement } from './load.ts';
import { percentile } from './statistics.ts';

process.on('message', (load: Load) => {
  run(load).then(
    (measurement) => tell({ measurement }),
    (error: unknown) => tell({ error: String(error) }),
  );
});

function tell(message: FromWorker): void {
  process.send?.(message);
}

async function run({ url, bodies, connections, length }: Load): Promise<Measurement> {
  const nextBody = bodySource(bodies);
  const latencies: number[] = [];
  let refused = 0;
  let lastAt = 0;
  const startedAt = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const options: autocannon.Options = {
    url,
    connections,
    ...('seconds' in length ? { duration: length.seconds } : { amount: length.amount }),
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    requests: [{ setupRequest: (request) => ({ ...request, body: nextBody() }) }],
  };
  const instance = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
  // autocannon's own histogram has whole milliseconds.
  instance.on('response', (_client, status, _bytes, latencyMs) => {
    latencies.push(latencyMs);
    lastAt = performance.now();
    if (status < 200 || status > 299) refused += 1;
  });
  const { errors, timeouts } = await promise;
  return {
    requests: latencies.length,
    requestsPerSecond: (latencies.length * 1000) / (lastAt - startedAt),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    failures: refused + errors + timeouts,
  };
}

function bodySource(bodies: readonly string[]): () => string {
  const run = randomUUID();
  let sent = 0;
  return () => {
    const body = bodies[sent % bodies.length] ?? '';
    sent += 1;
    return body.replace('{unique}', `${run}-${sent}`);
  };
}

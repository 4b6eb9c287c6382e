/** Sweeps from within a process that serves everything: one box has no scheduler to call it. */
import type { Log } from '../../shared/ports/log.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { sweep } from '../../shared/usecases/sweep.ts';
import { describeError } from '../http/error-log.ts';

/** Sweeps every `seconds`, one at a time, without keeping the process alive; 0 never does. Answers how to stop. */
export function scheduleSweeps(ports: Ports, settings: Settings, log: Log, seconds: number): () => void {
  if (seconds === 0) return () => undefined;
  let isSweeping = false;
  const timer = setInterval(async () => {
    if (isSweeping) return;
    isSweeping = true;
    await sweepAndLog(ports, settings, log);
    isSweeping = false;
  }, seconds * 1000);
  timer.unref();
  return () => clearInterval(timer);
}

async function sweepAndLog(ports: Ports, settings: Settings, log: Log): Promise<void> {
  try {
    const report = await sweep(ports, settings);
    log.write({ severity: report.damaged > 0 ? 'ERROR' : 'DEBUG', message: 'sweep', ...report });
  } catch (error) {
    log.write({ severity: 'ERROR', message: 'sweep', ...describeError(error) });
  }
}

/**
 * Many malformed requests at once at a service, judged one by one and together: a fault fails the volley with the
 * request that made it, and so does a changed store, a log line that says too much, or anything printed.
 */
import type { TestService } from '../service.ts';
import { faultOf } from './judging.ts';
import type { Sender } from './sending.ts';
import type { Shot } from './shot.ts';
import { capturePrinted, checkLogLine } from './traces.ts';

export interface Volleys {
  /** Sends all at once, then looks at what they may have left behind. */
  fire(kind: string, shots: readonly Shot[]): Promise<void>;
  /** How many requests of each kind were sent. */
  readonly sent: ReadonlyMap<string, number>;
  /** How many connections were closed without an answer, by why they may be. */
  readonly unanswered: ReadonlyMap<string, number>;
  readonly printed: readonly string[];
}

/** From here on everything that is printed counts as a fault; `secrets` may appear in no answer and no log line. */
export function createVolleys(service: TestService, sender: Sender, secrets: readonly string[]): Volleys {
  const sent = new Map<string, number>();
  const unanswered = new Map<string, number>();
  const printed = capturePrinted();
  let linesRead = service.logLines.length;

  async function fireOne(kind: string, shot: Shot): Promise<void> {
    sent.set(kind, (sent.get(kind) ?? 0) + 1);
    const answers = await sender.send(shot);
    if (answers.length === 0) {
      if (shot.quiet === undefined) throw new Error('closed without an answer');
      unanswered.set(shot.quiet, (unanswered.get(shot.quiet) ?? 0) + 1);
    }
    for (const answer of answers) {
      const fault = faultOf(shot, secrets, answer);
      if (fault !== undefined)
        throw new Error(
          `${fault}: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.text.slice(0, 500)}`,
        );
    }
  }

  async function fire(kind: string, shots: readonly Shot[]): Promise<void> {
    const before = service.dumpStore();
    const outcomes = await Promise.allSettled(shots.map((shot) => fireOne(kind, shot)));
    const faults = outcomes.flatMap((outcome, i) =>
      outcome.status === 'rejected' ? [`${describeShot(shots[i])}\n  -> ${causeOf(outcome.reason)}`] : [],
    );
    if (faults.length > 0) throw new Error([...new Set(faults)].slice(0, 3).join('\n'));
    if (service.dumpStore() !== before) throw new Error(`the store changed: ${await culprit(shots)}`);
    const lines = service.logLines.slice(linesRead);
    linesRead += lines.length;
    for (const line of lines) checkLogLine(line, secrets);
    if (printed.length > 0) throw new Error(`something was printed: ${printed.join('').slice(0, 1000)}`);
  }

  /** Which of them, sent alone, changes the store. */
  async function culprit(shots: readonly Shot[]): Promise<string> {
    for (const shot of shots) {
      const before = service.dumpStore();
      const answers = await sender.send(shot).catch(() => []);
      if (service.dumpStore() !== before) return `${describeShot(shot)}\n  -> ${JSON.stringify(answers)}`;
    }
    return 'none of them does it alone';
  }

  return { fire, sent, unanswered, printed };
}

function describeShot(shot: Shot | undefined): string {
  return JSON.stringify(shot).slice(0, 1500);
}

/** The message of an error and of all its causes. */
export function causeOf(error: unknown): string {
  return error instanceof Error
    ? `${error.message}${error.cause === undefined ? '' : `: ${causeOf(error.cause)}`}`
    : String(error);
}

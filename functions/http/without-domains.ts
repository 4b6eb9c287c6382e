/**
 * Takes `node:domain` out of the framework's way of running a request.
 *
 * The framework runs each request in a domain, so that an exception of the function ends in an answer of its own.
 * The first domain switches `async_hooks` on for the whole process, for good: every `await` then costs sixteen
 * times as much, and more inside a domain. The application catches everything itself and needs none of it.
 * docs/performance.md has the numbers, docs/adr/0008 the reasons.
 */
import domain from 'node:domain';
import { EventEmitter } from 'node:events';

/** As much of a domain as the framework uses: it listens for `error` and runs a function. */
class NoDomain extends EventEmitter {
  run<T>(task: () => T): T {
    return task();
  }
}

/** From now on nothing in this process makes a real domain. */
export function withoutDomains(): void {
  domain.create = () => new NoDomain() as unknown as domain.Domain;
}

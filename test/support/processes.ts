/** The processes of this machine: whose child one is, and whether it has ended. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 25;

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return processes().flatMap((row) => (row.parent === pid && row.command !== 'ps' ? [row.pid] : []));
}

/** False for a process that has ended, also when nobody has collected its exit code yet. */
export function isAlive(pid: number): boolean {
  return processes().some((row) => row.pid === pid && !row.state.startsWith('Z'));
}

/** True when the process ends within `limitMs`. */
export async function endsWithin(pid: number, limitMs: number): Promise<boolean> {
  const deadlineAt = Date.now() + limitMs;
  while (isAlive(pid)) {
    if (Date.now() > deadlineAt) return false;
    await pause(POLL_MS);
  }
  return true;
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** From /proc where there is one, since a small container has no `ps`. */
function processes(): ProcessRow[] {
  if (existsSync('/proc/self/stat'))
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(fromProc);
  const rows = execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,comm='], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return rows.map((row) => {
    const [pid, parent, state = '', command = ''] = row.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state, command };
  });
}

function fromProc(pid: string): ProcessRow[] {
  try {
    // proc_pid_stat(5): pid (command) state parent …; the command may hold anything, also parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        state,
        command: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      },
    ];
  } catch {
    return [];
  }
}

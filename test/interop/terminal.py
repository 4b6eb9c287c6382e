"""Runs a command in a pseudo-terminal, types when it is asked, and says what became of both.

Standard input holds JSON: `command`, `env`, `cwd`, `seconds` (its deadline), `pipes` (which of the outputs 1 and 2 are pipes
instead of the terminal), `steps` (each waits until the screen shows `see` beyond what the steps before it waited for, and types
`type`). Standard output is JSON: `screen`, `pipes`, `exit` (negative: the signal that ended it; null: it had to be killed),
`before` and `after` (what `stty -a` says of the terminal).
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

END = b"\x00end of the screen\x00"


def stty(terminal):
    return subprocess.run(["stty", "-a"], stdin=terminal, capture_output=True, check=True, text=True).stdout


def become_foreground():
    """The terminal is the one that controls the command, so what Ctrl-C sends reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Session:
    def __init__(self, wanted):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        os.set_blocking(self.master, False)
        self.screen, self.seen, self.to_type = b"", 0, b""
        self.steps = list(wanted["steps"])
        self.deadline = time.monotonic() + wanted["seconds"]
        self.before = stty(self.slave)
        outputs = [subprocess.PIPE if which in wanted["pipes"] else self.slave for which in (1, 2)]
        self.child = subprocess.Popen(
            wanted["command"],
            cwd=wanted["cwd"],
            env=wanted["env"],
            stdin=self.slave,
            stdout=outputs[0],
            stderr=outputs[1],
            start_new_session=True,
            preexec_fn=become_foreground,
        )
        self.pipes = {"1": self.child.stdout, "2": self.child.stderr}
        self.pipes = {name: pipe.fileno() for name, pipe in self.pipes.items() if pipe is not None}
        self.piped = {name: b"" for name in self.pipes}

    def exchange(self):
        """Reads what was written, types what is due."""
        names = {number: name for name, number in self.pipes.items()}
        writing = [self.master] if self.to_type else []
        readable, writable, _ = select.select([self.master, *names], writing, [], 0.02)
        for number in readable:
            piece = os.read(number, 65536)
            if number == self.master:
                self.screen += piece
            elif piece:
                self.piped[names[number]] += piece
            else:
                del self.pipes[names[number]]
        if writable:
            self.to_type = self.to_type[os.write(self.master, self.to_type[:512]):]

    def next_step(self):
        if self.to_type or not self.steps:
            return
        awaited = self.steps[0]["see"].encode()
        found = self.screen.find(awaited, self.seen)
        if found >= 0:
            self.seen = found + len(awaited)
            self.to_type = self.steps.pop(0)["type"].encode()

    def run(self):
        while self.child.poll() is None:
            if time.monotonic() > self.deadline:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
                return None
            self.exchange()
            self.next_step()
        return self.child.returncode

    def drain(self):
        """What the command wrote comes before what is written now."""
        os.write(self.slave, END)
        while (END not in self.screen or self.pipes) and time.monotonic() < self.deadline + 10:
            self.exchange()
        self.screen = self.screen.split(END)[0]


wanted = json.load(sys.stdin)
session = Session(wanted)
code = session.run()
after = stty(session.slave)
session.drain()
json.dump(
    {
        "screen": session.screen.decode("utf-8", "replace"),
        "pipes": {name: text.decode("utf-8", "replace") for name, text in session.piped.items()},
        "exit": code,
        "untyped": len(session.steps),
        "before": session.before,
        "after": after,
    },
    sys.stdout,
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases with a name, a time and a verdict: what every test program in Python here prints.

    suite = Suite('orphans')

    @suite.case('a file that is not ours stays')
    def _():
        ...

    sys.exit(suite.run())

Arguments of the program are patterns of case names; `--list` prints the names. A case that needs something the machine lacks
raises Skip, which is counted and named. The last line is 'N passed, N failed, N skipped'.
"""
import fnmatch
import signal
import sys
import time
import traceback

CASE_SECONDS = 900    # against what hangs


class Skip(Exception):
    """This machine cannot run the case; the text says what is missing."""


class Expired(Exception):
    """A case ran for longer than it may."""


def wait_for(what, look, seconds=30.0, pause=0.05):
    """Polls look() until it gives something true, which is returned; AssertionError after so many seconds.

    A look that takes long is made less often: the other half of the time belongs to what is waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        found = look()
        if found:
            return found
        ended = time.monotonic()
        if ended >= deadline:
            raise AssertionError(f'not within {seconds:g} s: {what() if callable(what) else what}')
        time.sleep(max(pause, ended - began))


class Suite:
    def __init__(self, name):
        self.name, self.cases = name, []
        self.passed = self.failed = self.skipped = 0

    def case(self, title, seconds=CASE_SECONDS):
        def add(function):
            self.cases.append((title, seconds, function))
            return function
        return add

    def result(self, verdict, title, began, text=''):
        line = f'{verdict:4} {self.name}: {title} ({time.monotonic() - began:.2f} s)'
        print(line + (f': {text}' if text else ''), flush=True)

    def run_case(self, title, seconds, function):
        def expire(_number, _frame):
            raise Expired(f'took longer than {seconds} s')

        began = time.monotonic()
        signal.signal(signal.SIGALRM, expire)
        signal.alarm(seconds)
        try:
            function()
        except Skip as reason:
            self.skipped += 1
            self.result('skip', title, began, str(reason))
        except Exception as problem:
            self.failed += 1
            self.result('FAIL', title, began, f'{type(problem).__name__}: {problem}')
            for frame in traceback.extract_tb(problem.__traceback__)[1:]:
                print(f'     {frame.filename.rsplit("/", 1)[-1]}:{frame.lineno} {frame.line}', flush=True)
        else:
            self.passed += 1
            self.result('ok', title, began)
        finally:
            signal.alarm(0)

    def run(self, argv=None):
        """Runs the cases that the arguments name, prints the total and returns the exit status."""
        patterns = [a for a in (sys.argv[1:] if argv is None else argv) if not a.startswith('--')]
        chosen = [c for c in self.cases if not patterns or any(fnmatch.fnmatch(c[0], f'*{p}*') for p in patterns)]
        if '--list' in sys.argv[1:]:
            for title, _, _ in self.cases:
                print(title)
            return 0
        for case in chosen:
            self.run_case(*case)
        return self.finish()

    def finish(self):
        print(f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped', flush=True)
        return 1 if self.failed or not self.passed + self.skipped else 0

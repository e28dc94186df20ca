# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line tools share: TAP, a domain of their own, running tools.

A script defines functions named test_*, whose doc string is the title, and calls main(). Its
arguments are the paths of mxl-info, mxl-read and mxl-write.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# Long enough for a machine under load; nothing waits this long when all is well.
PATIENCE = 60
HISTORY = 'urn:x-mxl:option:history_duration/v1.0'
ID = '5fbec3b1-1b0f-417d-9059-8b94a47197ed'
OTHER_ID = 'a0a0a0a0-0000-4000-8000-0123456789ab'

TOOLS = dict(zip(('mxl-info', 'mxl-read', 'mxl-write'), sys.argv[1:4]))


class Skip(Exception):
    """The test cannot be made here."""


class Domain:
    """A directory in memory that keeps grains for long, so that a slow machine loses none."""

    def __init__(self, seconds=10):
        self.path = tempfile.mkdtemp(prefix='mxl-tools-', dir='/dev/shm')
        self.write('options.json', json.dumps({HISTORY: int(seconds * 10**9)}))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, data):
        with open(self.file(name), 'wb') as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self.file(name)

    def read(self, name):
        with open(self.file(name), 'rb') as file:
            return file.read()

    def flow(self, flow_id=ID, name=''):
        return os.path.join(self.path, flow_id + '.mxl-flow', name).rstrip('/')

    def start(self, tool, *args, **options):
        """A tool in the background. Its standard error goes to a file named in .log."""
        log = tempfile.TemporaryFile(dir=self.path)
        options.setdefault('stdin', subprocess.DEVNULL)
        options.setdefault('stdout', subprocess.DEVNULL)
        process = subprocess.Popen([TOOLS[tool], *self.where(args), *map(str, args)], stderr=log,
                                   **options)
        process.log = log
        self.processes.append(process)
        return process

    def where(self, args):
        return [] if any(str(arg).lower().startswith('mxl:') for arg in args) else ['-d', self.path]

    def run(self, tool, *args, **options):
        """A tool to its end: the result has returncode, stdout (bytes) and stderr (text)."""
        return run(tool, *self.where(args), *args, **options)


def run(tool, *args, **options):
    options.setdefault('stdin', subprocess.DEVNULL if 'input' not in options else None)
    if options['stdin'] is None:
        del options['stdin']
    options.setdefault('stdout', subprocess.PIPE)
    options.setdefault('stderr', subprocess.PIPE)
    result = subprocess.run([TOOLS[tool], *map(str, args)], timeout=PATIENCE, check=False,
                            **options)
    result.stderr = (result.stderr or b'').decode('utf-8', 'replace')
    return result


def said(process):
    """What a tool in the background has printed on standard error so far."""
    size = os.fstat(process.log.fileno()).st_size
    return os.pread(process.log.fileno(), size, 0).decode('utf-8', 'replace')


def wait_for(condition, what):
    """Wait until a condition holds; its last value is returned."""
    deadline = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'waited too long for {what}')
        time.sleep(0.01)


def wait_said(process, words):
    """Wait until a tool in the background has printed something on standard error."""
    wait_for(lambda: words in said(process) or process.poll() is not None, f'"{words}"')
    assert words in said(process), f'no "{words}" in: {said(process)}'


def end(process, code=0):
    """Wait for a tool in the background to end by itself, with an exit code."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f'does not end: {said(process)}') from error
    assert process.returncode == code, f'exit code {process.returncode}: {said(process)}'


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    end(process, 128 + number)


def expect(result, code, words=''):
    assert result.returncode == code, f'exit code {result.returncode}: {result.stderr}'
    assert words in result.stderr, f'no "{words}" in: {result.stderr}'
    return result


def media(size, seed=1):
    """Bytes that differ everywhere and are the same each time."""
    return random.Random(seed).randbytes(size)


def summary(text):
    """What --digest says: digest, first index, last index, count."""
    if text.startswith('{'):
        return tuple(json.loads(text)[name] for name in ('xxh128', 'first', 'last', 'count'))
    match = re.search(r'^xxh128 ([0-9a-f]{32}) index (\d+)-(\d+) \w+ (\d+) bytes \d+$', text, re.M)
    assert match, f'no digest in: {text}'
    return match.groups()


def main():
    """Run all tests, or those whose names are given behind the tools."""
    tests = {name: function for name, function in sys.modules['__main__'].__dict__.items()
             if name.startswith('test_') and name in (sys.argv[4:] or [name])}
    failed = 0
    print(f'1..{len(tests)}', flush=True)
    for number, function in enumerate(tests.values(), 1):
        title = function.__doc__.splitlines()[0]
        try:
            function()
            print(f'ok {number} - {title}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {title} # SKIP {reason}', flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f'# {line}')
            print(f'not ok {number} - {title}', flush=True)
    sys.exit(1 if failed else 0)

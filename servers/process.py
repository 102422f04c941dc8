"""Child processes that do not outlive their parent, whatever kills it.

Linux tells the child itself (PR_SET_PDEATHSIG). Elsewhere, as on macOS, a watcher process waits for
the end of a pipe that only the parent holds open; a child that forks without exec keeps it open, so
there a fork of the parent delays the signal until it ends too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from servers.accounts import Account
from servers.errors import WrongThread

LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG = 1
WATCHER = """
import os, sys
sys.stdin.buffer.read()
try:
    os.kill(int(sys.argv[1]), int(sys.argv[2]))
except OSError:
    pass
"""

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None  # loaded before any fork
_watchers: dict[int, subprocess.Popen[bytes]] = {}


def spawn(
    args: Sequence[str | Path],
    *,
    stop_signal: signal.Signals,
    env: Mapping[str, str],
    stdout: int | IO[bytes] | None,
    user: Account | None = None,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that gets ``stop_signal`` when this process ends, however it ends.

    Its errors go where its output goes. It has a session of its own: Ctrl-C reaches the parent
    only, which then stops its children in order.
    """
    options: dict[str, Any] = {}
    if user is not None and user.foreign:
        options |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    if LINUX:
        _require_main_thread()
        # subprocess runs preexec_fn after it has changed the user; the other order would not do:
        # changing the user clears the death signal.
        options["preexec_fn"] = partial(_bind, stop_signal, os.getpid())
    with warnings.catch_warnings():
        # From 3.12 Python warns of any fork while threads run; _bind takes no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = subprocess.Popen(  # noqa: S603 (the caller's program, no shell)
            [str(arg) for arg in args],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            **options,
        )
    if not LINUX:
        _watchers[process.pid] = watch(process.pid, stop_signal)
    return process


def die_with_parent(sig: signal.Signals, parent: int | None = None) -> None:
    """Have this process get ``sig`` when its parent ends. Call it early, in the main thread.

    ``parent`` is the pid that started us, where known: if it is gone already, so are we.
    """
    if LINUX:
        _require_main_thread()
        _bind(sig, parent or os.getppid())
    else:
        threading.Thread(target=_wait_for_orphanage, args=(sig, os.getppid()), daemon=True).start()


def stop(process: subprocess.Popen[bytes], sig: signal.Signals, timeout: float) -> int:
    """Ask a child to end, insist after ``timeout`` seconds, and return its exit code."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait()
    watcher = _watchers.pop(process.pid, None)
    if watcher is not None:
        watcher.kill()
        watcher.communicate()
    return code


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: where pid 1 never reaps, it stays for ever."""
    if LINUX:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def watch(pid: int, sig: signal.Signals) -> subprocess.Popen[bytes]:
    """A process that sends ``sig`` to ``pid`` once this process is gone."""
    return subprocess.Popen(  # noqa: S603 (our own interpreter and script)
        [sys.executable, "-c", WATCHER, str(pid), str(int(sig))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _bind(sig: signal.Signals, parent: int) -> None:
    """Runs in the child between fork and exec, so: no imports, no locks."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent:  # it died before prctl: no signal will ever come
        os._exit(1)


def _require_main_thread() -> None:
    if threading.current_thread() is not threading.main_thread():
        # The kernel sends the signal when the *thread* that forked ends.
        raise WrongThread("start servers from the main thread: they end with the one that did")


def _wait_for_orphanage(sig: signal.Signals, parent: int) -> None:
    pause: Callable[[float], bool] = threading.Event().wait
    while os.getppid() == parent:
        pause(0.5)
    os.kill(os.getpid(), sig)

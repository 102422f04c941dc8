"""Which account of the operating system a server runs as, and who may talk to it."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from servers.errors import NoAccount

UNPRIVILEGED = ("nobody", "daemon", "postgres")


@dataclass(frozen=True, slots=True)
class Account:
    """``name`` is empty for a uid without a passwd entry, as containers like to use."""

    name: str
    uid: int
    gid: int

    @property
    def foreign(self) -> bool:
        """Whether becoming this account means leaving our own."""
        return self.uid != os.geteuid()


def caller() -> Account:
    """The account this process runs as."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = ""
    return Account(name, os.geteuid(), os.getegid())


def for_servers() -> Account:
    """The account servers run as: our own, or, as PostgreSQL refuses root, one without rights."""
    own = caller()
    if own.uid != 0:
        return own
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise NoAccount(
        f"root must not run a database server, and none of {', '.join(UNPRIVILEGED)} exists. "
        "Run as an ordinary user, or name servers with DATABASE_URL and REDIS_URL."
    )


def named(account: Account) -> Account:
    """The account, if it has a name: initdb and peer authentication look it up."""
    if account.name:
        return account
    raise NoAccount(
        f"uid {account.uid} has no entry in /etc/passwd, and PostgreSQL needs one. "
        f"Add it (in an image: useradd --uid {account.uid} hub), or name a server by DATABASE_URL."
    )

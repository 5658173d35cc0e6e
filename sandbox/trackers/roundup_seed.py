"""Make a Roundup tracker with users: ``python -m sandbox.trackers.roundup_seed HOME URL <
users.json``.

A program of its own, since Roundup changes its interpreter's state (locale, logging, module
search). Standard input: ``[{username, password, address, realname, roles}]``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List

from roundup import configuration, init, instance, password
from roundup.admin import AdminTool


def configure(home: str, url: str) -> None:
    """Write the classic template and a configuration for a few users on one machine."""
    template = AdminTool().listTemplates()["classic"]["path"]
    init.install(home, template)
    config = configuration.CoreConfig()
    config["TRACKER_HOME"] = home
    config["TRACKER_WEB"] = url
    config["MAIL_DOMAIN"] = "example.org"
    config["MAIL_HOST"] = "localhost"
    config["DATABASE"] = "db"
    config["RDBMS_BACKEND"] = "sqlite"
    # Tests log in wrongly on purpose; the default locks an account after four failures.
    config["WEB_API_FAILED_LOGIN_LIMIT"] = 0
    config["WEB_LOGIN_ATTEMPTS_MIN"] = 0
    # Fast hashes: this password protects nothing and is checked with every call.
    config["PASSWORD_PBKDF2_DEFAULT_ROUNDS"] = 1000
    config.save(os.path.join(home, config.INI_FILE))
    # Nobody reads this tracker's mail, and no mail server listens.
    for name in os.listdir(os.path.join(home, "detectors")):
        if name.startswith(("nosyreaction", "newissuecopy", "emailauditor")):
            os.remove(os.path.join(home, "detectors", name))


def populate(home: str, users: List[Dict[str, Any]]) -> None:
    """Create the database, the administrator (without a usable password) and the users."""
    tracker = instance.open(home)
    tracker.init(password.Password(os.urandom(16).hex(), config=tracker.config))
    db = tracker.open("admin")
    try:
        for user in users:
            secret = password.Password(user["password"], config=db.config)
            db.user.create(**{**user, "password": secret})
        db.commit()
    finally:
        db.close()


def main() -> None:
    """Command line entry."""
    home, url = sys.argv[1:3]
    configure(home, url)
    populate(home, json.load(sys.stdin))


if __name__ == "__main__":
    main()

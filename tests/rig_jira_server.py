"""Jira Data Center under test: a fake, with the classic workflow and another time zone."""

from __future__ import annotations

from rig_jira import JiraRig


class JiraServerRig(JiraRig):
    """The fake Jira as a server of one's own."""

    kind = "jira-server"
    resolution = "Fixed"
    cloud = False


RIG = JiraServerRig

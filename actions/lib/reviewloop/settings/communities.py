"""The profiles of communities that review with Gerrit, from their public documentation.

Patterns for accounts are anchored, and upper case where a robot's name has it: people are called
Jenkins, Bot and Ci.
"""

from __future__ import annotations

from typing import Dict

from reviewloop.core.policy import GATE_FAILURES, NOISE
from reviewloop.settings.profile import DEFAULTS, Profile

# A display name that ends in CI, such as "Vendor Storage CI".
_NAMED_CI = r"^[^@]+ (?-i:CI)$"
# An account of Google's services: LUCI's, and every robot of Chromium, Android and Go.
_SERVICE_ACCOUNT = r"@[a-z0-9.-]*gserviceaccount\.com$"
_LUCI = r"^[^@]*(?<![a-z])(?-i:LUCI)( (?-i:CQ))?$"
_BLOCKING = ("Code-Review-2",)
_WHY_BLOCKING = "A reviewer's `-2` blocks the change; there is no Workflow label."

OPENDEV = Profile(
    name="opendev",
    title="OpenDev and OpenStack (Zuul)",
    server="https://review.opendev.example.org",
    approval=("Workflow+1",),
    review_labels=("Code-Review", "RollCall-Vote", "Rollcall-Vote"),
    automation=(r"^zuul$", r"-ci$", _NAMED_CI, r"^jenkins$", r"^elastic ?recheck$",
                r"^(openstack )?(proposal|release)[- ]bot$"),
    noise=(*NOISE, r"^check-[a-z0-9-]+$", r"^run[- ](?-i:[A-Z])[a-z0-9 ._-]* (?-i:CI)$"),
    why={
        "approval": "`Workflow+1` sends a change to the gate; two `Code-Review+2` alone do not.",
        "review_labels": "The technical committee votes on governance changes by `RollCall-Vote`.",
        "automation": "Zuul gates, third parties test under accounts whose names end in CI, and"
        " two bots propose changes.",
        "noise": "Third parties' tests are started by words of their own, such as"
        " `run Vendor Storage CI`.",
    },
    notes=("A failed check votes `Verified-1`, a failed gate `Verified-2`.",),
    sources=(
        "https://docs.opendev.org/opendev/infra-manual/latest/developers.html",
        "https://docs.opendev.org/opendev/system-config/latest/third_party.html",
    ),
)  # fmt: skip

WIKIMEDIA = Profile(
    name="wikimedia",
    title="Wikimedia (Zuul, jenkins-bot)",
    server="https://gerrit.wikimedia.example.org/r",
    hold=_BLOCKING,
    automation=(r"^jenkins-bot(@|$)", r"^pipelinebot(@|$)", r"^sonarqube ?bot(@|$)",
                r"^l10n-bot(@|$)", r"^library ?upgrader(@|$)", r"^trainbranchbot(@|$)"),
    noise=(*NOISE, r"^check [a-z]+[0-9.]+$"),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "Zuul votes as `jenkins-bot`. SonarQube Bot and PipelineBot only comment or"
        " vote +1; translations and library upgrades are proposed by bots.",
        "noise": "Tests under one version of PHP are started by words such as `check php82`.",
    },
    notes=("`Code-Review+2` lets Zuul merge the change (gate-and-submit), so the submitter has to"
           " act only where the gate failed or nothing gates the project.",),
    sources=(
        "https://wikitech.wikimedia.org/wiki/Gerrit/Bot_account",
        "https://www.mediawiki.org/wiki/Continuous_integration/Codehealth_Pipeline",
        "https://www.mediawiki.org/wiki/Topic:Vd6dlh046jfuyhns",
    ),
)  # fmt: skip

ECLIPSE = Profile(
    name="eclipse",
    title="Eclipse and GerritHub (Jenkins)",
    server="https://gerrithub.example.org",
    hold=_BLOCKING,
    automation=(r"^eclipse-[a-z0-9.-]+-bot(@|$)", r"-bot@eclipse\.org$", _NAMED_CI,
                r"^((?-i:CI)|[ej]git|[a-z0-9]+ build) bot$", r"^eclipse genie$",
                r"^genie\.", r"-ci$", r"^[^@]+ (?-i:CI) jenkins$", r"^sys_sgci(@|$)"),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "Each project has a bot, such as `eclipse-jgit-bot`, which runs its Jenkins;"
        " SPDK's names hold the word CI.",
    },
    notes=("A bot says by `Code-Review-1` that a build is unstable, and lifts that by a later"
           " `Verified+1`.",),
    sources=(
        "https://github.com/eclipse-jgit/.eclipsefdn",
        "https://github.com/eclipse-egit/.eclipsefdn",
        "https://spdk.io/development/",
    ),
)  # fmt: skip

LINUX_FOUNDATION = Profile(
    name="linux-foundation",
    title="Linux Foundation: FD.io, OpenDaylight, ONAP, OPNFV, O-RAN SC (Jenkins)",
    server="https://gerrit.linuxfoundation.example.org/r",
    hold=_BLOCKING,
    automation=(r"job ?builder(@|$)", r"(^|[ .-])jjb(@|$)", r"^(lf|odl|opnfv)[- ]jenkins",
                r"^jenkins([-_](ci|bot|releng))?(@|$)", _NAMED_CI, r"-ci$",
                r"^(gh|github)2gerrit(@|$)"),
    noise=(
        *NOISE,
        r"^(jjb-deploy|copy-logs:?) \S+$",
        r"^(vpp-)?csit-[a-z0-9-]+( [a-z0-9]+)*$",
        r"^hardware test( with delay [0-9]+)?$",
    ),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "Jenkins votes under names such as `ONAP Jobbuilder`, `LF Jenkins CI`"
        " and `fd.io JJB`; some changes are mirrored from pull requests.",
        "noise": "Jobs are started by words of global-jjb (`remerge`, `run-sonar`,"
        " `stage-release`, `jjb-deploy PATTERN`) and of CSIT (`csit-2n-icx-perftest`).",
    },
    notes=("Jenkins writes `Build Started` without a tag, and votes `Code-Review-1` where a build"
           " is unstable.",),
    sources=(
        "https://docs.releng.linuxfoundation.org/projects/global-jjb/en/latest/",
        "https://wiki.o-ran-sc.org/pages/viewpage.action?pageId=3604696",
    ),
)  # fmt: skip

OPENBMC = Profile(
    name="openbmc",
    title="OpenBMC (Jenkins)",
    server="https://gerrit.openbmc.example.org",
    hold=_BLOCKING,
    automation=(r"^(jenkins[-_.])?openbmc[-_ ](ci|jenkins|bot)(@|$)",
                r"^jenkins([-_][a-z0-9-]+)?(@|$)", _NAMED_CI, r"-ci$"),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "One Jenkins builds all repositories, and votes `Verified`.",
    },
    notes=("`Ok-To-Test+1` by a person lets Jenkins build a newcomer's change. It is no review.",
           "Votes that Jenkins casts on a replaced patch set may be copied to the current one."),
    sources=(
        "https://github.com/openbmc/docs/blob/master/maintainer-workflow.md",
        "https://github.com/openbmc/docs/blob/master/designs/ci-authorization.md",
    ),
)  # fmt: skip

LINEAGEOS = Profile(
    name="lineageos",
    title="LineageOS (verified by people)",
    server="https://review.lineageos.example.org",
    approval=("Code-Review+2", "Verified+1"),
    hold=_BLOCKING,
    automation=(r"^jenkins(@|$)", r"^lineage(os)?[-_ ](automerger|bot|ci|infra)(@|$)", r"-ci$"),
    why={
        "approval": "A change needs both, and people vote `Verified` after a test on a device.",
        "hold": _WHY_BLOCKING,
        "automation": "Jenkins builds the wiki and some devices.",
    },
    notes=("`Verified+1` by a person is no review: it does not end the reviewers' wait until the"
           " change is approved.",),
    sources=(
        "https://github.com/LineageOS/lineage_wiki/blob/main/pages/how-tos/using_gerrit.md",
    ),
)  # fmt: skip

ANDROID = Profile(
    name="android",
    title="Android (Treehugger, LUCI)",
    server="https://android-review.example.org",
    approval=("Code-Review+2", "Verified+1"),
    hold=_BLOCKING,
    review_labels=("Code-Review", "API-Review"),
    automation=(_SERVICE_ACCOUNT, r"^treehugger([- ]|$)", r"^deckard autoverifier$",
                r"-robot(@|$)", r"^gwsq([^a-z]|$)", r"^mr ?robot$", _LUCI),
    why={
        "approval": "A change needs both; a robot or a person votes `Verified`.",
        "hold": _WHY_BLOCKING,
        "review_labels": "The API council reviews by `API-Review`.",
        "automation": "Presubmits run as Treehugger Robot, the commit queue and other services as"
        " service accounts; gwsq assigns reviewers.",
    },
    notes=("The commit queue says in words that a change failed; `gate_failures` reads them.",
           "`Commit-Queue+1`, `Presubmit-Ready+1` and `Autosubmit+1` start tests. They are no"
           " reviews."),
    sources=(
        "https://source.android.com/docs/setup/contribute/view-patches",
        "https://chromium.googlesource.com/infra/luci/luci-go/+/HEAD/cv/",
    ),
)  # fmt: skip

CHROMIUM = Profile(
    name="chromium",
    title="Chromium (LUCI)",
    server="https://chromium-review.example.org",
    approval=("Code-Review+1",),
    hold=("Code-Review-1",),
    automation=(_SERVICE_ACCOUNT, _LUCI, r"^gwsq([^a-z]|$)", r"^(rubber stamper|findit)$"),
    why={
        "approval": "`Code-Review+1` is the highest vote; `Commit-Queue+2` then submits.",
        "hold": "`Code-Review-1` is the lowest vote, and says that the change should not be"
        " submitted.",
        "automation": "The commit queue and all other robots are service accounts.",
    },
    notes=("The commit queue says in words that a change failed; `gate_failures` reads them.",
           "`Commit-Queue+1`, `Auto-Submit+1` and `Bot-Commit+1` are no reviews."),
    sources=(
        "https://chromium.googlesource.com/chromium/src/+/main/docs/code_reviews.md",
        "https://chromium.googlesource.com/infra/luci/luci-go/+/HEAD/cv/",
    ),
)  # fmt: skip

GO = Profile(
    name="go",
    title="Go (LUCI)",
    server="https://go-review.example.org",
    hold=("Hold+1", "Code-Review-2"),
    automation=(_SERVICE_ACCOUNT, _LUCI, r"^gobot@golang\.org$",
                r"^(gopher robot|gobot gobot|gobot|gerrit ?bot)$", r"^gwsq([^a-z]|$)"),
    noise=(*NOISE, r"^TRY="),
    why={
        "hold": "An approver holds a change by a vote above zero.",
        "automation": "LUCI votes `LUCI-TryBot-Result`; Gopher Robot submits, and GerritBot owns"
        " the changes that come from pull requests.",
        "noise": "`TRY=ppc64le, freebsd` names more builders for the next run.",
    },
    notes=("A hashtag such as `wait-release` is no vote. Leave these changes out by"
           ' `query: "-is:private -hashtag:wait-release"`.',
           "`Commit-Queue+1` and `Auto-Submit+1` start tests or let a robot submit. They are no"
           " reviews.",
           "A second person has to vote too: a submit requirement, which no list of labels can"
           " say."),
    sources=(
        "https://go.dev/wiki/LUCI",
        "https://go.dev/wiki/SlowBots",
        "https://go.googlesource.com/All-Projects/+/refs/meta/config/project.config",
        "https://github.com/golang/go/issues/24836",
    ),
)  # fmt: skip

QT = Profile(
    name="qt",
    title="Qt (Sanity Bot, staging)",
    server="https://codereview.qt.example.org",
    hold=_BLOCKING,
    automation=(r"^(qt|qbs)[ _][a-z0-9 _-]*bot(@|$)", r"^(?-i:Qt[A-Za-z0-9]*Bot)$",
                r"bot@(codereview\.)?qt-project\.org$", r"^qt continuous integration system$"),
    gate_failures=(*GATE_FAILURES, r"continuous integration: failed"),
    noise=(*NOISE, r"^auto-restage:(on|off)$", r"^this commit was auto[-\u2010\u2011]restaged"),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "Sanity, integration and cherry-picks are the work of accounts whose names"
        " begin with Qt and end in Bot.",
        "gate_failures": "The CI says in words that an integration failed.",
        "noise": "Changes are staged again under a person's account, which says so.",
    },
    notes=("Sanity Bot's `Code-Review-2` (\"Apparently pushing a Work In Progress\") is a robot's:"
           " the change is red, and nobody holds it.",
           "The statuses STAGED and INTEGRATING are open and nobody's turn; DEFERRED is closed."),
    sources=(
        "https://wiki.qt.io/Gerrit_Introduction",
        "https://wiki.qt.io/Early_Warning_System",
        "https://github.com/qtproject/qtqa-gerrit-plugin-qt-workflow",
        "https://lists.qt-project.org/pipermail/development/2026-April/047057.html",
    ),
)  # fmt: skip

LIBREOFFICE = Profile(
    name="libreoffice",
    title="LibreOffice (Jenkins)",
    server="https://gerrit.libreoffice.example.org",
    hold=_BLOCKING,
    automation=(r"^jenkins( collaboraoffice)?$", r"^ci@libreoffice\.org$", r"^pootle bot$",
                r"^weblate$", r"^gerrit code review$"),
    why={
        "hold": _WHY_BLOCKING,
        "automation": "Jenkins votes `Verified` and never reviews; translations come from bots.",
    },
    notes=("`Verified+1` by a person overrules Jenkins. It is no review.",),
    sources=(
        "https://wiki.documentfoundation.org/Development/gerrit",
        "https://lists.freedesktop.org/archives/libreoffice/2017-December/079031.html",
    ),
)  # fmt: skip

#: By the name that stands after ``profile:``; ``none`` are the pack's own defaults.
PROFILES: Dict[str, Profile] = {
    one.name: one
    for one in (
        DEFAULTS, ANDROID, CHROMIUM, ECLIPSE, GO, LIBREOFFICE, LINEAGEOS, LINUX_FOUNDATION,
        OPENBMC, OPENDEV, QT, WIKIMEDIA,
    )
}  # fmt: skip

"""The documents as a whole: the map of them, the pages that are generated, a page for each tracker,
and the words they use.
"""

from __future__ import annotations

import json
import pydoc
import re
import shlex
from pathlib import Path
from typing import Any, List

import pytest
from sandbox import (
    actions_page,
    consoles,
    eta_page,
    index_entry,
    judge_page,
    outputs_page,
    poll_page,
    profiles_page,
    settings_page,
    triggers_page,
    turns_page,
)

import test_pack_contract as contract
from repository import HISTORIES, ROOT, needs_histories
from reviewloop import errors
from reviewloop.cli import main as cli
from reviewloop.settings.load import load
from reviewloop.settings.profile import KEYS
from reviewloop.trackers.factory import ADAPTERS
from test_cli_help import NAMES
from test_docs import (
    CODE,
    CONSOLES,
    CONTRACT,
    DOCUMENTS,
    FENCE,
    GUIDES,
    MAP,
    PAGES,
    README,
    TRACKERS,
    TURNS,
    blocks,
    prose,
    section,
    table,
    text_of,
    triggers,
)
from trackers_fixtures import FAKES

# --- the map of the documents -----------------------------------------------------------------


def reading_order() -> List[Path]:
    """The pages in the order in which the map lists them."""
    numbered = text_of(MAP).split("\n## For operators\n")[1].split("\nSee also")[0]
    return [(MAP.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", numbered)]


def test_the_map_lists_every_page():
    """Whoever opens docs/ finds each page, numbered or below them, and none twice."""
    linked = re.findall(r"\]\(([^)#]+)\)", text_of(MAP))
    pages = [(MAP.parent / target).resolve() for target in linked]

    assert set(DOCUMENTS) - {MAP} <= set(pages)
    assert len(reading_order()) == len(set(reading_order()))


@pytest.mark.parametrize("number", range(len(reading_order()) - 1))
def test_each_page_leads_back_and_on(number: int):
    """Below its title a page links to the map, and to the page that comes next."""
    page, following = reading_order()[number], reading_order()[number + 1]
    title, empty, links = text_of(page).splitlines()[:3]
    targets = [(page.parent / one).resolve() for one in re.findall(r"\]\(([^)]+)\)", links)]

    assert title.startswith("# ")
    assert empty == ""
    assert (targets[0], targets[-1]) == (MAP, following)
    assert "next: [" in links


# --- generated pages ------------------------------------------------------------------------


def test_page_of_actions_is_current():
    """docs/actions.md is what the actions' metadata says; `make docs` writes it."""
    assert actions_page.PAGE.read_text(encoding="utf-8") == actions_page.page()


def test_every_kind_of_failure_says_who_has_to_act():
    """Whoever sees an action fail finds its kind in the table."""
    root = errors.ReviewLoopError
    named = [
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, root)
    ]
    shown = table(section(actions_page.PAGE, "When an action fails"))

    assert set(shown) == {one.kind for one in named if one is not root}


def test_console_blocks_are_written_by_a_command():
    """`make docs` leaves each page with a console block as it is, since it is current."""
    pages = [one.page for one in blocks("console")]

    assert len(pages) >= 2
    for one in pages:
        assert consoles.page(text_of(one)) == text_of(one)


@pytest.mark.parametrize("made", [settings_page, triggers_page], ids=lambda one: one.PAGE.stem)
def test_page_of_the_metadata_is_current(made: Any):
    """docs/settings.md and docs/triggers.md are what the metadata says; `make docs` writes them."""
    assert made.PAGE.read_text(encoding="utf-8") == made.page()


def test_page_of_settings_has_every_setting():
    """Each setting of the schema has one row, with its default."""
    schema = contract.read(ROOT / "config.schema.yaml")
    every = dict(pair for key, spec in schema.items() for pair in settings_page.settings(spec, key))
    groups = {key for key in every if key in schema and "properties" in schema[key]}
    shown = table(text_of(settings_page.PAGE))

    assert set(shown) == set(every) - groups
    for key, (_, default, _) in shown.items():
        wanted = f"`{json.dumps(every[key]['default'])}`" if "default" in every[key] else ""
        wanted = "[by profile](profiles.md)" if key in KEYS else wanted
        assert default == ("**required**" if every[key].get("required") else wanted), key


@pytest.mark.parametrize("trigger", contract.TRIGGERS)
def test_page_of_triggers_has_every_field(trigger: str):
    """Each field of the payload has a row, with its type and every value of an enumeration."""
    properties = triggers()[f"gerrit.{trigger}"]["payload_schema"]["properties"]
    shown = table(section(triggers_page.PAGE, f"gerrit.{trigger}"))

    assert list(shown) == list(properties)
    for field, spec in properties.items():
        kind, meaning = shown[field]
        expected = spec["type"] if isinstance(spec["type"], list) else [spec["type"]]
        assert kind.split(" or ") == expected, field
        values = set(spec.get("enum", []))
        assert values - {""} <= set(CODE.findall(meaning)), field
        assert ("" in values) == meaning.endswith(", or empty."), field


def test_page_of_turns_is_current():
    """docs/turns.md shows the tables that the core reads; `make docs` writes them."""
    assert turns_page.PAGE.read_text(encoding="utf-8") == turns_page.page()


def test_table_of_the_judge_has_its_form(tmp_path: Path):
    """Without the histories one can still see that the command prints such a table."""
    changes = tmp_path / "none.jsonl"
    changes.write_text("", encoding="utf-8")
    (shown,) = judge_page.BLOCK.findall(text_of(TURNS))
    made = judge_page.block(ROOT / "docs" / "example" / "gerrit.yaml", changes)
    words = [line for line in made.splitlines() if not re.search(r"[0-9]$|[0-9]Z$| -$", line)]

    assert len(words) > 10
    assert [line for line in words if line not in shown.splitlines()] == []


@needs_histories
def test_table_of_the_judge_is_current(tmp_path: Path):
    """docs/turns.md shows what is measured now, with the configuration that it shows."""
    (shown,) = judge_page.BLOCK.findall(text_of(TURNS))
    (config,) = [one.text for one in blocks("yaml") if one.page == TURNS and one.kind == "config"]
    path = tmp_path / "gerrit.yaml"
    path.write_text(config, encoding="utf-8")

    made = judge_page.block(path, HISTORIES / "opendev-zuul-reviews.jsonl.gz")
    assert made == shown, "`python -m sandbox.judge_page CONFIG CHANGES` writes it anew"


def test_entry_of_the_index_is_current():
    """docs/releasing.md shows the entry that the pack's files make; `make docs` writes it."""
    (block,) = [block for block in blocks("json") if block.page == index_entry.PAGE]

    assert index_entry.PAGE.read_text(encoding="utf-8") == index_entry.page()
    assert json.loads(block.text) == index_entry.entry()
    assert index_entry.entry()["content"]["rules"]["count"] == len(contract.RULES)


# --- the pages about trackers --------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(ADAPTERS))
def test_every_tracker_can_be_set_up_from_its_page(kind: str):
    """Each kind has a page with its options, its token, people, and a command that checks it."""
    text = text_of(GUIDES / f"{kind}.md")

    assert set(re.findall(r"kind: (\w+)", text)) == {kind}
    assert {name for name in ADAPTERS[kind].options if name not in text} == set()
    for shown in (
        "```yaml",
        "## Check the setup\n",
        "curl",
        "roster.members[].tracker",
        "| to decline a ticket |",
    ):
        assert shown in text, shown


def test_every_tracker_has_one_page():
    """The pages are those of the kinds there are, and the index lists each."""
    rows = re.findall(r"\]\(trackers/(\w+)\.md\).* \| `(\w+)` \|", text_of(TRACKERS))

    assert {page.stem for page in GUIDES.glob("*.md")} == set(ADAPTERS)
    assert {kind for _, kind in rows} == set(ADAPTERS)
    assert all(page == kind for page, kind in rows)


def test_table_of_the_contract_is_whole():
    """Each tracker under test has a column, each case a row, and each cell an answer."""
    cases = re.findall(r'^@case\("([^"]+)"\)', CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)
    block = TRACKERS.read_text(encoding="utf-8").partition("<!-- contract: begin -->")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in block.splitlines()
        if line.startswith("|")
    ]
    head, _, *body = rows

    assert {name for name in head if name.endswith("(fake)")} == {f"{one} (fake)" for one in FAKES}
    assert {name for name in head if name.endswith("(real)")} == {
        "redmine (real)",
        "roundup (real)",
        "rt (real)",
    }
    assert {row[0] for row in body} == set(cases)
    assert all(re.fullmatch(r"yes|\[\d+\]", cell) for row in body for cell in row[1:])


@needs_histories
def test_figures_of_the_eta_are_those_measured():
    """What docs/turns.md says of the 755 histories is what playing them over gives."""
    settings = load({"url": "https://review.example.org", "approval": ["Workflow+1"]})
    past, now = eta_page.past_in(HISTORIES / "opendev-zuul-reviews.jsonl.gz", settings)
    name = "755 of zuul/zuul, 2020 to 2025"
    shown = [row for row in eta_page.listed(text_of(TURNS)) if row[0] == name]

    assert shown == list(eta_page.rows(name, past, settings, now))


def test_table_of_the_poll_is_current():
    """README shows what is counted in the histories that are here; `make docs` writes it."""
    text = text_of(README)

    assert poll_page.page(text, {poll_page.MADE_UP: poll_page.of_made_up()}) == text
    assert len(poll_page.columns(text)) == 2


@needs_histories
def test_table_of_the_poll_is_what_was_measured():
    """README's figures of the 755 histories are what counting them gives."""
    settings = load({"url": "https://review.opendev.org", "profile": "opendev"})
    shown = poll_page.columns(text_of(README))["755 changes of zuul/zuul, 2020 to 2025"]
    made = poll_page.of_file(HISTORIES / "opendev-zuul-reviews.jsonl.gz", settings)

    assert made == shown, "`python -m sandbox.poll_page NAME CONFIG CHANGES` writes it anew"


def test_report_takes_two_commands():
    """README has them in one block; what the second one does is tried with all others."""
    (shown,) = [
        body for _, found, body in FENCE.findall(text_of(README)) if "reviewloop report" in body
    ]
    first, second = shown.splitlines()

    assert first == "pip install '.[report]'"
    assert second.startswith("reviewloop report --url ")


# --- the repository's other files ---------------------------------------------------------------


def test_hooks_are_the_checks_of_make():
    """pre-commit runs each tool that `make check` runs, with the same arguments."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\ncheck:")[1].split("\n\n")[0]
    wanted = re.findall(r"\$\(BIN\)/(.+?)(?: \$\(ENTRY_FILES\)\))?$", recipe, re.MULTILINE)
    hooks = contract.read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    entries = [hook["entry"].partition(".venv/bin/")[2] for hook in hooks]

    assert sorted(entries) == sorted(one.replace("$(LIB)", "actions/lib") for one in wanted)
    assert all(hook["language"] == "system" for hook in hooks)


def test_files_named_for_contributors_are_there():
    """The guide for contributors names files and folders as they are."""
    named = CODE.findall(prose(ROOT / "CONTRIBUTING.md"))
    paths = [one for one in named if re.fullmatch(r"[\w./-]+(?:\.(?:py|md|yaml)|/)", one)]

    assert len(paths) > 15
    here = [one for one in paths if "NAME" not in one and "KIND" not in one]
    outside = {".venv/", ".cache/"}
    library = ROOT / "actions" / "lib" / "reviewloop"
    missing = [one for one in here if not ((ROOT / one).exists() or (library / one).exists())]
    assert set(missing) <= outside


def test_names_of_the_library_that_changes_lists_are_there():
    """Whoever looks up an old name is sent to a module, or to something in one, that exists."""
    shown = section(ROOT / "CHANGES.md", "Names in the library")
    rows = [line.split("|")[1:3] for line in shown.splitlines() if line.startswith("| `")]

    assert len(rows) > 30
    for _, now in rows:
        home = "reviewloop"
        for name in CODE.findall(now):
            # A name without a dot is in the module of the one before it.
            found = (
                f"reviewloop.{name.replace('reviewloop.', '')}" if "." in name else f"{home}.{name}"
            )
            assert pydoc.locate(found) is not None, found
            home = found.rpartition(".")[0]


# Phrases that readers stumble over, and what to write instead.
STUMBLED_OVER = {
    "is told": "is reported, or say who is notified",
    "are told": "are reported, or say who is notified",
    "goes before": "overrides",
    "go before": "override",
    "has come to": "name the value",
    "hand on": "pass on",
    "hands on": "passes on",
    "handed on": "passed on",
    "Left out:": "Default: or Without it",
    "tells what": "where to find what",
}


@pytest.mark.parametrize("phrase", STUMBLED_OVER)
def test_documents_and_descriptions_use_plain_words(phrase: str):
    """Documents and metadata say it in the words that a reader would use or search for."""
    folders = ("actions", "rules", "sensors", "workflows")
    metadata = [path for folder in folders for path in contract.files(folder).values()]
    read = [*PAGES, *metadata, ROOT / "config.schema.yaml", ROOT / "gerrit.yaml.example"]

    found = [page.name for page in read if phrase in " ".join(text_of(page).split())]
    assert not found, f"Instead of {phrase!r}: {STUMBLED_OVER[phrase]}."


def test_page_of_profiles_and_their_examples_are_current():
    """docs/profiles.md and examples/ are what the profiles say; `make docs` writes them."""
    written = {path: path.read_text(encoding="utf-8") for path in profiles_page.EXAMPLES.iterdir()}

    assert text_of(profiles_page.PAGE) == profiles_page.page()
    assert written == profiles_page.examples()


def test_outputs_are_what_the_commands_print():
    """Board, doctor and others are shown as they print; `make docs` writes them anew."""
    shown = list(outputs_page.outputs())
    told = {command.split()[1] for command, _ in CONSOLES}

    assert {line.split()[1] for _, line, _ in shown} | told == set(NAMES)
    for path, line, text in shown:
        assert text == outputs_page.block(line), (path.name, line)


def test_every_reviewloop_command_is_one_that_can_be_typed():
    """Every command line of the documents is parsed as the program would, but for `--help`."""
    lines = [
        (page.name, line)
        for page in PAGES
        for block in FENCE.findall(text_of(page))
        for line in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?reviewloop (.+)$", block[2], re.MULTILINE)
    ]
    assert len(lines) > 8
    for page, line in lines:
        words = shlex.split(line.partition(" > ")[0], comments=True)
        assert cli.parser().parse_args(words).command == words[0], (page, line)

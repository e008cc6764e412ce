"""The documents that the engines' tests send have the members that sdk/DOCUMENTS.md promises, no less and no more."""
import os
import re

import pytest

import engine_toy

SDK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk")


def promised(section):
    """The members of the input in a section of the page, in their order: those at depth 1 of the object behind "In:"."""
    with open(os.path.join(SDK, "DOCUMENTS.md"), encoding="utf-8") as file:
        text = re.split(r"^## ", file.read(), flags=re.M)
    text = next(part for part in text if part.startswith(section))
    text = text[text.index("{", text.index("In:")):]
    names, depth, value = [], 0, False
    for token in re.finditer(r'"((?:[^"\\]|\\.)*)"|[{}\[\],:]', text):
        mark = token.group(0)
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return names
        elif depth == 1 and mark in ",:":
            value = mark == ":"
        elif depth == 1 and not value:
            names.append(token.group(1))
    raise AssertionError("the input of %s has no end" % section)


class Listener:
    """An engine that keeps what it is sent."""

    def ok(self, _, document):
        self.document = document
        return {"stages": []}


def sent_plan(verb):
    listener = Listener()
    engine_toy.plan(listener, {}, verb)
    return listener.document


@pytest.mark.parametrize("section,document", [
    ("validate", engine_toy.request({})), ("plan", sent_plan("create")), ("plan", sent_plan("delete")),
    ("step", engine_toy.step_input("CRD_DEPLOYMENT", {})), ("step", engine_toy.step_input("OBSERVE", {}, verb="observe"))],
    ids=["validate", "plan", "plan of a delete", "step", "observe"])
def test_the_toy_sends_what_the_host_sends(section, document):
    assert list(document) == promised(section)

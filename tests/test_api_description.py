"""What the API says of itself: OpenAPI 3.1 that holds, and a page that needs no network."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.serving import LAB, serving
from webapp.api.description import STREAM, describe
from webapp.service.page import SNIPPETS, page, snippet
from webapp.shared.header import SCRIPT

CONFIG = """
# What the description of the API can't say. Random bytes are of the form that is described, and no video.
[[operations]]
include-name = ["POST /api/v1/analyses", "POST /api/v1/faces"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]

# tus asks for 412 where another version is spoken, whatever else is wrong; a header that nobody knows is no
# mistake in HTTP; and which length is too much is the operator's choice.
[[operations]]
include-path-regex = "/uploads"
[operations.checks.negative_data_rejection]
expected-statuses = ["2xx", "400", "401", "404", "405", "409", "412", "413", "415", "422"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "413", "415", "422", "507"]

[[operations]]
include-name = ["PATCH /api/v1/uploads/{id}", "HEAD /api/v1/uploads/{id}"]
[operations.parameters]
"path.id" = "UPLOAD"

[[operations]]
include-path-regex = "/analyses/.id./"
[operations.parameters]
"path.id" = "ANALYSIS"
"""
HOOKS = """
import schemathesis

@schemathesis.serializer("application/offset+octet-stream")
def bytes_of_a_part(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
"""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return describe(closed=True)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_says_what_it_takes_and_answers(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    assert described["security"] == [{"token": []}] and "security" not in describe(closed=False)
    ids = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(ids) == len(set(ids)) > 14
    for path, method, operation in operations(described):
        assert path.startswith("/api/v1/") and operation["summary"] and operation["description"], path
        assert all(given.get("description") for given in operation.get("parameters", ())), (method, path)
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and method != "head":
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
        if method != "head":
            assert {"401", "404", "422", "429"} <= set(operation["responses"])
            assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_every_reference_leads_somewhere_and_examples_fit(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    text = str(described)
    names = set(re.findall(r"#/components/schemas/([A-Za-z0-9_-]+)", text))
    assert names and names <= set(schemas)
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for field, inner in schema.get("properties", {}).items():
            for example in inner.get("examples", ()):
                whole = {**inner, "components": described["components"]}
                given = list(example) if isinstance(example, tuple) else example
                jsonschema.validate(given, whole), (name, field)
    linked = {link["operationId"] for _, _, o in operations(described)
              for answer in o["responses"].values() for link in answer.get("links", {}).values()}  # fmt: skip
    assert linked and linked <= {operation["operationId"] for _, _, operation in operations(described)}


def test_the_page_shows_all_and_fetches_nothing(described: dict[str, Any]) -> None:
    html = page(described, STREAM)
    for path, method, _ in operations(described):
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in html
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", html)
    assert html.count("<script") == html.count(f'<script src="../../{SCRIPT}">') == 1  # the head of all pages
    assert "@import" not in html and "url(" not in html
    from html import escape

    assert all(escape(snippet(file)) in html for file in SNIPPETS.values())


@pytest.mark.browser
@pytest.mark.weights
def test_the_page_opens_in_a_browser_without_a_complaint(root: Path, tmp_path: Path, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    (tmp_path / "password").write_text("ada:a secret\n")
    flags = ("--auth-file", str(tmp_path / "password"))
    with serving(root, tmp_path, *flags) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        said: list[str] = []
        asked: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{server.url}/api/v1/docs")  # leads to the log-in
        tab.fill("[name=username]", "ada")
        tab.fill("[name=password]", "a secret")
        tab.click("button")
        tab.wait_for_url(f"{server.url}/")
        asked.clear()
        said.clear()
        tab.goto(f"{server.url}/api/v1/docs")
        tab.click("summary:has-text('/api/v1/faces')")
        assert tab.is_visible("text=Read pictures that come as a form")
        browser.close()
    assert said == [] and all(url.startswith((server.url, "data:")) for url in asked)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(3000)
def test_the_server_keeps_to_its_description(root: Path, tmp_path: Path, talking_clip: Path) -> None:
    """Two thousand calls of Schemathesis, where it is installed or `SCHEMATHESIS` names its program."""
    program = os.environ.get("SCHEMATHESIS") or shutil.which("schemathesis")
    if program is None:
        pytest.skip("no Schemathesis: pip install schemathesis")
    flags = ("--api-requests", "1000000", "--api-gigabytes", "9000", "--max-megabytes", "5")
    with serving(root, tmp_path, *flags) as server:
        with server.client() as client, talking_clip.open("rb") as file:
            id = client.post("/analyses", files={"file": file}).json()["id"]
            begun = client.post("/uploads", headers={"Upload-Length": "4000000"})
        config = CONFIG.replace("UPLOAD", begun.headers["location"].rpartition("/")[2])
        (tmp_path / "schemathesis.toml").write_text(config.replace("ANALYSIS", id))
        (tmp_path / "hooks_of_api.py").write_text(HOOKS)
        done = subprocess.run(
            [
                *(program, "--config-file", str(tmp_path / "schemathesis.toml"), "run"),
                *(f"{server.url}/api/v1/openapi.json", "-H", f"Authorization: Bearer {LAB}"),
                *("--max-examples", "90", "--no-color", "--seed", "1"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "SCHEMATHESIS_HOOKS": "hooks_of_api"},
            capture_output=True,
            text=True,
            timeout=2900,
        )
    counted = re.search(r"(\d+) generated", done.stdout)
    assert done.returncode == 0, done.stdout
    assert counted and int(counted[1]) >= 2000, done.stdout

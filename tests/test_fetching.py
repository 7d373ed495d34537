"""The routes of results: fetching a file, and taking a result along to the dashboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from webapp.shared import fetching, owners, store
from webapp.shared.bodies import Bodies
from webapp.shared.visitor import COOKIE, PAGE_HEADER, Visitor

COOKIE_VALUE, PAGE_VALUE, OTHER_VALUE = "c" * 32, "p" * 32, "o" * 32


@pytest.fixture
def workspace() -> Iterator[store.Workspace]:
    space = store.Workspace(5)
    yield space
    space.close()


@pytest.fixture
def client(workspace: store.Workspace) -> TestClient:
    app = FastAPI()
    fetching.add_routes(app, framed=False)
    app.add_middleware(Bodies)
    return TestClient(app, follow_redirects=False)


def made(**names: str) -> tuple[str, Path]:
    """Make a result of the visitor with these names; gives its token and file."""
    token, folder = owners.new_folder(Visitor.from_values(names.get("cookie"), names.get("page")))
    path = folder / "a_results.json"
    path.write_text("[]")
    return token, path


def test_a_file_is_given_to_its_browser_only(client: TestClient) -> None:
    token, _ = made(cookie=COOKIE_VALUE, page=PAGE_VALUE)
    address = f"/result/{token}/a_results.json"
    given = ({COOKIE: COOKIE_VALUE}, {}), ({}, {PAGE_HEADER: PAGE_VALUE})
    refused = (
        ({}, {}),
        ({COOKIE: OTHER_VALUE}, {}),
        ({COOKIE: PAGE_VALUE}, {}),
        ({}, {PAGE_HEADER: COOKIE_VALUE}),
    )
    for expected, ways in ((200, given), (404, refused)):
        for cookies, headers in ways:
            client.cookies = cookies  # type: ignore[assignment]
            assert client.get(address, headers=headers).status_code == expected, (cookies, headers)
    assert "gone" not in client.get(f"/result/{'x' * 32}/a.json").text


def test_what_was_made_for_nobody_is_given_to_nobody(client: TestClient) -> None:
    token, _ = made()
    assert client.get(f"/result/{token}/a_results.json").status_code == 404


def test_a_log_out_deletes_the_visitors_results_and_nobody_elses(client: TestClient) -> None:
    mine, other = made(cookie=COOKIE_VALUE), made(cookie=OTHER_VALUE)
    assert owners.forget(Visitor.from_values(COOKIE_VALUE)) == 1
    assert not mine[1].exists() and other[1].exists()


def test_a_page_takes_its_result_along_to_a_window_with_other_cookies(client: TestClient) -> None:
    token, path = made(page=PAGE_VALUE)
    opened = client.post("/open", data={"result": token, "page": PAGE_VALUE})
    assert opened.status_code == 303 and opened.headers["location"] == f"/dashboard/?result={token}"
    fresh = client.cookies[COOKIE]
    assert owners.folder_of(token, Visitor.from_values(fresh)) == path.parent
    # A window that has a cookie keeps it.
    client.cookies.clear()
    client.cookies.set(COOKIE, OTHER_VALUE)
    assert "set-cookie" not in client.post("/open", data={"result": token, "page": PAGE_VALUE}).headers
    assert owners.folder_of(token, Visitor.from_values(OTHER_VALUE)) == path.parent


def test_nobody_takes_along_what_is_not_theirs(client: TestClient) -> None:
    token, _ = made(page=PAGE_VALUE)
    client.cookies.set(COOKIE, OTHER_VALUE)
    for form in ({"result": token}, {"result": token, "page": OTHER_VALUE}, {"page": PAGE_VALUE}, {}):
        assert client.post("/open", data=form).status_code == 404, form
    assert client.post("/open", content=b"x" * 5000).status_code == 413
    assert owners.folder_of(token, Visitor.from_values(OTHER_VALUE)) is None


def test_a_page_can_ask_whether_its_cookie_is_kept(client: TestClient) -> None:
    assert client.get("/cookie", headers={PAGE_HEADER: PAGE_VALUE}).json() == {"kept": False}
    client.cookies.set(COOKIE, COOKIE_VALUE)
    assert client.get("/cookie").json() == {"kept": True}

"""Speaks to the exchange service over HTTPS; exchange/service/README.md describes the wire."""

import hashlib
import os
import ssl
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import tenacity

from .filesets import MIB, BadName, File, digest, safe_path
from .words import say

RETRIED = (429, 502, 503, 504)
WAIT = 5.0  # seconds, the longest between two tries


class ExchangeProblem(Exception):
    """The exchange did not do it; the text says why in the person's language.

    `code` is the service's (exchange/service/problems.py), or one of exchange/words.py.
    """

    def __init__(self, code: str, text: str, status: int = 0):
        super().__init__(text)
        self.code, self.status = code, status

    @property
    def may_have_arrived(self) -> bool:
        """Whether the exchange may have done it although nobody heard it say so."""
        return self.status == 0 or self.status in RETRIED


class _TryAgain(Exception):
    """An answer after which the same request may be sent again, `after` seconds later."""

    def __init__(self, problem: ExchangeProblem, after: float):
        super().__init__(str(problem))
        self.problem, self.after = problem, after


class ExchangeClient:
    """One person's (or formgrader's) connection to the exchange; raises ExchangeProblem."""

    def __init__(
        self,
        url: str,
        token: str,
        language: str = "es",
        patience: float = 15.0,
        tell: Callable[[str], None] = lambda text: None,
        environment: Mapping[str, str] = os.environ,
    ):
        """Connect when first asked. `patience`: seconds to go on trying; `tell` hears of retries.

        `url` is the service's prefix, e.g. https://hub.example/services/exchange/.
        """
        self.url, self.language, self.patience, self.tell = url, language, patience, tell
        self.http = httpx.Client(
            base_url=url.rstrip("/") + "/v1/",
            headers={"Authorization": f"token {token}", "Accept-Language": language},
            timeout=httpx.Timeout(30, connect=5, read=120, write=120),
            verify=_trust(environment) if url.startswith("https:") else True,
            trust_env=False,  # the token is for the hub, not for a proxy that a shell names
        )

    def __enter__(self) -> "ExchangeClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # --- releases

    def assignments(self, course: str) -> list[dict]:
        """Return the released assignments of a course."""
        return self._json("GET", _path("courses", course, "assignments"))

    def release(self, course: str, assignment: str, folder: Path, files: list[File]) -> dict:
        """Release `files` of `folder`; language variants are below `.languages/`."""
        return self._send("PUT", _of(course, assignment, "release"), folder, files)

    def withdraw(self, course: str, assignment: str) -> None:
        """Release an assignment no longer."""
        self._ask("DELETE", _of(course, assignment, "release"))

    def released(self, course: str, assignment: str, language: str) -> dict:
        """Return what an assignment hands out in a language."""
        path = _of(course, assignment, "release")
        return self._json("GET", path, params={"language": language})

    def fetch_release(self, manifest: dict, folder: Path) -> None:
        """Download what `released` said into an empty folder."""
        base = _of(manifest["course"], manifest["assignment"], "release")
        asked = {"language": manifest["language"], "release": manifest["release"]}
        self._download(base, manifest["files"], folder, asked)

    # --- submissions

    def submit(
        self, course: str, assignment: str, folder: Path, files: list[File], key: str = ""
    ) -> dict:
        """Hand in `files` of `folder`; return the receipt, which was compared with them.

        With the same `key` and files the same receipt is given again.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        path = _of(course, assignment, "submissions")
        receipt = self._send("POST", path, folder, files, headers)
        wanted = (course, assignment, digest(files), len(files))
        names = ("course", "assignment", "sha256", "files")
        if tuple(receipt.get(name) for name in names) != wanted:
            raise self._problem("receipt_differs")
        return receipt

    def submissions(
        self, course: str, assignment: str, student: str = "", latest: bool = False
    ) -> list[dict]:
        """Return the receipts of an assignment that this person may see."""
        asked = {"student": student} if student else {}
        if latest:
            asked["latest"] = "true"
        return self._json("GET", _of(course, assignment, "submissions"), params=asked)

    def submission(self, number: str) -> dict:
        """Return a receipt with its manifest."""
        return self._json("GET", _path("submissions", number))

    def fetch_submission(self, number: str, folder: Path) -> dict:
        """Download a submission into an empty folder; return its receipt, compared with it."""
        receipt = self.submission(number)
        self._compare(receipt["manifest"], receipt["sha256"])
        self._download(_path("submissions", number), receipt["manifest"], folder)
        return receipt

    # --- feedback and policies

    def give_feedback(self, number: str, folder: Path, files: list[File]) -> dict:
        """Give `files` of `folder` back for a submission."""
        return self._send("PUT", _path("submissions", number, "feedback"), folder, files)

    def fetch_feedback(self, number: str, folder: Path) -> None:
        """Download the feedback on a submission into an empty folder."""
        base = _path("submissions", number, "feedback")
        manifest = self._json("GET", base)
        self._compare(manifest["files"], manifest["sha256"])
        self._download(base, manifest["files"], folder)

    def policy(self, course: str, assignment: str) -> dict:
        """Return due date, late policy, attempts and extensions."""
        return self._json("GET", _of(course, assignment, "policy"))

    def set_policy(self, course: str, assignment: str, policy: dict) -> dict:
        """Replace due date, late policy, attempts and extensions."""
        return self._json("PUT", _of(course, assignment, "policy"), json=policy)

    def wait(self) -> None:
        """Return when the service answers."""
        self._ask("GET", "health")

    # --- the wire

    def _send(self, method, path, folder: Path, files: list[File], headers=None) -> dict:
        """Send files as one multipart body, read from the disk while it is sent."""

        def request() -> httpx.Response:
            with ExitStack() as opened:
                parts = [
                    ("files", (file.path, opened.enter_context(open(folder / file.path, "rb"))))
                    for file in files
                ]
                return self.http.request(method, path, files=parts, headers=headers)

        return self._read(self._patiently(request))

    def _json(self, method: str, path: str, **asked):
        return self._read(self._ask(method, path, **asked))

    def _ask(self, method: str, path: str, **asked) -> httpx.Response:
        return self._patiently(lambda: self.http.request(method, path, **asked))

    def _read(self, answer: httpx.Response):
        try:
            return answer.json()
        except ValueError as error:
            raise self._problem("odd_answer", what=answer.status_code) from error

    def _patiently(self, request: Callable):
        """Do a request again while the exchange cannot be reached or asks for another try."""
        if not self.url:
            raise self._problem("not_configured")

        def attempt():
            try:
                answer = request()
            except httpx.TransportError as error:
                raise _TryAgain(self._problem("unreachable"), 0) from error
            return self._good(answer)

        def pause(state: tenacity.RetryCallState) -> float:
            return max(0.3 * 2 ** (state.attempt_number - 1), state.outcome.exception().after)

        def before_sleep(state: tenacity.RetryCallState) -> None:
            why, seconds = state.outcome.exception(), state.next_action.sleep
            self.tell(say(self.language, "retrying", why=why, seconds=seconds))

        try:
            return tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(_TryAgain),
                wait=lambda state: min(pause(state), max(WAIT, state.outcome.exception().after)),
                # Who is told to come back later than the patience lasts is told so at once.
                stop=tenacity.stop_before_delay(self.patience),
                before_sleep=before_sleep,
                reraise=True,
            )(attempt)
        except _TryAgain as error:
            raise error.problem from error

    def _good(self, answer: httpx.Response) -> httpx.Response:
        """Return the answer; raises what the service said instead of one."""
        if answer.is_success:
            return answer
        answer.read()
        problem = self._said(answer)
        if answer.status_code in RETRIED or problem.code == "unreachable":
            after = answer.headers.get("Retry-After", "")
            raise _TryAgain(problem, float(after) if after.isdigit() else 0)
        raise problem

    def _said(self, answer: httpx.Response) -> ExchangeProblem:
        try:
            said = answer.json()
            text = f"{said['title']}: {said['detail']}"
            return ExchangeProblem(str(said["code"]), text, answer.status_code)
        except (ValueError, KeyError, TypeError):
            # The hub's proxy speaks for a service that is not there.
            away = answer.status_code in RETRIED or answer.status_code == 404
            return self._problem(
                "unreachable" if away else "odd_answer",
                answer.status_code,
                what=answer.status_code,
            )

    def _problem(self, code: str, status: int = 0, **values) -> ExchangeProblem:
        return ExchangeProblem(code, say(self.language, code, **values), status)

    def _compare(self, files: list[dict], sha256: str) -> None:
        if digest(File(**file) for file in files) != sha256:
            raise self._problem("damaged", name="manifest")

    def _download(self, base: str, files: list[dict], folder: Path, asked=None) -> None:
        """Download the files of a manifest; each is whole and verified, or not there."""
        for entry in files:
            try:
                name = safe_path(entry["path"])
            except BadName as error:
                raise self._problem("odd_name", name=error) from error
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            path = base + "/files/" + quote(name)
            self._patiently(lambda path=path, to=target, e=entry: self._receive(path, to, e, asked))

    def _receive(self, path: str, target: Path, entry: dict, asked) -> httpx.Response:
        """Download one file under another name; rename it when it is what it should be."""
        draft, found, size = target.with_name(f".{target.name}.part"), hashlib.sha256(), 0
        try:
            with self.http.stream("GET", path, params=asked) as answer:
                if not answer.is_success:
                    answer.read()
                    return answer
                with open(draft, "wb") as file:
                    for piece in answer.iter_bytes(MIB):
                        size += len(piece)
                        if size > entry["size"]:
                            break
                        found.update(piece)
                        file.write(piece)
            if size != entry["size"] or found.hexdigest() != entry["sha256"]:
                raise self._problem("damaged", name=entry["path"])
            draft.replace(target)
            return answer
        finally:
            draft.unlink(missing_ok=True)


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _of(course: str, assignment: str, what: str) -> str:
    return _path("courses", course, "assignments", assignment, what)


def _trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Trust the system's authorities and, with JupyterHub's internal TLS, the hub's own."""
    context = ssl.create_default_context()
    if environment.get("JUPYTERHUB_SSL_CERTFILE"):
        context.load_verify_locations(environment["JUPYTERHUB_SSL_CLIENT_CA"])
        context.load_cert_chain(
            environment["JUPYTERHUB_SSL_CERTFILE"], environment["JUPYTERHUB_SSL_KEYFILE"]
        )
    return context

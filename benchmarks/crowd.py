"""Students who press start, as a process of its own.

    python -m benchmarks.crowd     reads a JSON object on standard input, prints one

Each presses once within the given seconds (POST …/server), watches the progress as the pending
page does (server-sent events), and is there when the session answers through the proxy. One who
is turned away (429) presses again after the time that the hub names.
"""

import asyncio
import json
import sys
import time

import aiohttp


class Student:
    """One start, from the press to the first answer of the session."""

    def __init__(self, crowd: dict, session: aiohttp.ClientSession, name: str):
        self.crowd, self.session, self.name = crowd, session, name
        self.headers = {"Authorization": f"token {crowd['token']}"}
        self.turned_away = 0
        self.seconds: float | None = None  # from the press until the session answered
        self.at = 0.0  # the same moment, since the first student's press
        self.failure = ""

    async def start(self, after: float) -> None:
        """Wait `after` seconds, press, wait until the session answers."""
        await asyncio.sleep(after)
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.1, self.crowd["deadline"] - after)):
                if await self._pressed_and_watched():
                    await self._enter()
                    self.seconds = time.monotonic() - began
                    self.at = after + self.seconds
        except TimeoutError:
            pass  # still waiting at the end: not a failure
        except (aiohttp.ClientError, ValueError, KeyError) as error:
            self.failure = f"{type(error).__name__}: {error}"

    async def _pressed_and_watched(self) -> bool:
        """Press; a second later at the latest the pending page is there and watches."""
        press = asyncio.create_task(self._press())
        try:
            await asyncio.wait([press], timeout=1)
            if not press.done():
                watched = await self._watch()
                if watched is not None:
                    return watched
            return await press and bool(await self._watch())
        finally:
            press.cancel()
            await asyncio.gather(press, return_exceptions=True)

    async def _press(self) -> bool:
        url = f"{self.crowd['url']}/hub/api/users/{self.name}/server"
        while True:
            async with self.session.post(
                url, headers=self.headers, json=self.crowd["options"]
            ) as answer:
                if answer.status in (201, 202):
                    return True
                if answer.status != 429:
                    self.failure = f"{answer.status}: {(await answer.text())[:200]}"
                    return False
                self.turned_away += 1
                pause = float(answer.headers.get("Retry-After", 10))
            await asyncio.sleep(pause)

    async def _watch(self) -> bool | None:
        """Return whether the start succeeded; None if the hub knows of no start yet."""
        url = f"{self.crowd['url']}/hub/api/users/{self.name}/server/progress"
        async with self.session.get(url, headers=self.headers) as stream:
            if stream.status != 200:
                return None
            async for line in stream.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if event.get("ready"):
                        return True
                    if event.get("failed"):
                        self.failure = event.get("message", "failed")
                        return False
        self.failure = "the progress ended without a word"
        return False

    async def _enter(self) -> None:
        url = f"{self.crowd['url']}/user/{self.name}/api"
        while True:
            async with self.session.get(url, headers=self.headers) as answer:
                if answer.status < 400 and "/hub/" not in str(answer.url):
                    return
            await asyncio.sleep(0.05)


async def main(crowd: dict) -> dict:
    """Let everybody start; return seconds of those who got in, failures, and the turned away."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=None)
    async with aiohttp.ClientSession(
        # The proxy closes a connection that was idle for 5 s: one must not be taken up just then.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),
        timeout=timeout,
    ) as session:
        students = [Student(crowd, session, name) for name in crowd["names"]]
        gap = crowd["within"] / max(1, len(students))
        began = time.monotonic()
        await asyncio.gather(
            *(student.start(number * gap) for number, student in enumerate(students))
        )
        took = time.monotonic() - began
    return {
        "seconds": [student.seconds for student in students if student.seconds is not None],
        "last": max((s.at for s in students if s.seconds is not None), default=None),
        "failures": [student.failure for student in students if student.failure],
        "waiting": sum(not s.failure and s.seconds is None for s in students),
        "turned_away": sum(student.turned_away > 0 for student in students),
        "refusals": sum(student.turned_away for student in students),
        "took": took,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))), flush=True)

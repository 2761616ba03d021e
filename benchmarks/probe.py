"""Asks the hub for its version every 100 ms, from a process of its own, until it is ended.

    python -m benchmarks.probe URL SECONDS      prints the answers' times as a JSON list

Questions are sent on time whether or not earlier ones were answered; one that is not answered
within 30 s counts as 30 s.
"""

import asyncio
import json
import sys
import time

import aiohttp

PAUSE, LIMIT = 0.1, 30.0  # seconds


async def ask(session: aiohttp.ClientSession, url: str, times: list[float]) -> None:
    """Add the seconds that one answer took."""
    began = time.monotonic()
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(LIMIT)) as answer:
            await answer.read()
            failed = answer.status != 200
    except (aiohttp.ClientError, TimeoutError):
        failed = True
    times.append(LIMIT if failed else time.monotonic() - began)


async def main(url: str, seconds: float) -> list[float]:
    """Ask for `seconds` (or until standard input is closed); return all answers' times."""
    times, asked = [], []
    stopped = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    began = time.monotonic()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while not stopped.done() and time.monotonic() - began < seconds:
            asked.append(asyncio.create_task(ask(session, url, times)))
            await asyncio.sleep(max(0.0, began + len(asked) * PAUSE - time.monotonic()))
        await asyncio.gather(*asked)
    return times


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], float(sys.argv[2])))), flush=True)

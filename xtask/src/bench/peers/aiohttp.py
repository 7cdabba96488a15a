import asyncio, os, sys
import aiohttp

url, calls = os.environ["BENCH_URL"], int(os.environ["BENCH_CALLS"])


async def main():
    auth = aiohttp.BasicAuth("API", sys.stdin.read())
    async with aiohttp.ClientSession(auth=auth) as session:

        async def worker():
            for _ in range(calls // 64):
                async with session.get(url, headers={"Accept": "application/json"}) as answer:
                    assert len(await answer.read()) > 2

        await asyncio.gather(*(worker() for _ in range(64)))


asyncio.run(main())

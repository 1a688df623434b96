"""Drives RunPod's own Python client, plain or asyncio: a JSON line with an operation in, one with what came of it out.

python_client.py plain|asyncio     RUNPOD_API_KEY and RUNPOD_ENDPOINT_BASE_URL say whom to ask
"""

import asyncio
import json
import os
import sys
from typing import Any

import aiohttp
import runpod
from runpod.endpoint.runner import Job

OPERATIONS = ("health", "run", "run_sync", "state", "output", "stream", "cancel", "purge")


class Plain:
    def __init__(self, endpoint: str) -> None:
        self.id, self.endpoint = endpoint, runpod.Endpoint(endpoint)

    def job(self, id: str) -> Job:
        return Job(self.id, id, self.endpoint.rp_client)

    def health(self) -> Any:
        return self.endpoint.health()

    def run(self, input: Any) -> str:
        return self.endpoint.run({"input": input}).job_id

    def run_sync(self, input: Any) -> Any:
        return self.endpoint.run_sync({"input": input}, timeout=30)

    def state(self, id: str) -> str:
        return self.job(id).status()

    def output(self, id: str) -> Any:
        return self.job(id).output(timeout=30)

    def stream(self, id: str) -> list[Any]:
        return list(self.job(id).stream())

    def cancel(self, id: str) -> Any:
        return self.job(id).cancel()

    def purge(self) -> Any:
        return self.endpoint.purge_queue()


class Asyncio:
    """The same by `runpod.AsyncioEndpoint`, which has no `run_sync`: a job that is run and waited for stands in."""

    def __init__(self, endpoint: str) -> None:
        self.id = endpoint

    def __getattr__(self, name: str) -> Any:
        async def asked(*args: Any) -> Any:
            async with aiohttp.ClientSession() as session:
                endpoint = runpod.AsyncioEndpoint(self.id, session)
                if name in {"run", "run_sync"}:
                    job = await endpoint.run(*args)
                    return job.job_id if name == "run" else await job.output(timeout=30)
                if name in {"health", "purge"}:
                    return await {"health": endpoint.health, "purge": endpoint.purge_queue}[name]()
                job = runpod.AsyncioJob(self.id, args[0], session, endpoint.headers)
                if name == "stream":
                    return [part async for part in job.stream()]
                return await {"state": job.status, "output": lambda: job.output(timeout=30), "cancel": job.cancel}[
                    name
                ]()

        return lambda *args: asyncio.run(asked(*args))


def main() -> None:
    runpod.api_key = os.environ["RUNPOD_API_KEY"]
    kind = {"plain": Plain, "asyncio": Asyncio}[sys.argv[1]]
    for line in sys.stdin:
        endpoint, operation, *args = json.loads(line)
        assert operation in OPERATIONS
        try:
            told = {"gave": getattr(kind(endpoint), operation)(*args)}
        except Exception as error:  # noqa: BLE001 - told, whatever it is
            told = {"raised": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


main()

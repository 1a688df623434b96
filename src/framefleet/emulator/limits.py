"""The service's limits, from RunPod's documentation of its serverless job API (August 2026).

The client has numbers of its own, so that one mistake cannot affect both.
"""

from framefleet.timebase import Seconds

RUN_BODY = 10 * 2**20  # bytes
RUNSYNC_BODY = 20 * 2**20
RESULT = 20 * 10**6

KEPT_AFTER_RUN_S: Seconds = 30 * 60.0
KEPT_AFTER_RUNSYNC_S: Seconds = 60.0

RUNSYNC_WAIT_MS = 90_000
RUNSYNC_WAIT_MS_RANGE = (1_000, 300_000)

EXECUTION_TIMEOUT_MS = 600_000
TTL_MS = 86_400_000

FRESH_S: Seconds = 0.5  # how long `status` may not know a fresh job; our guess at "a moment"
RESTART_S: Seconds = 10.0  # until a worker that could not load its handler tries again; our guess

"""The timestamp servers. Only `--network` loads this module: urllib takes long to load."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from kdrvgen.doctor.check import Check, Remedy
from kdrvgen.doctor.host import Host
from kdrvgen.doctor.tasks import Task
from kdrvgen.model import Project
from kdrvgen.report.finding import Finding

__all__ = ["timestamp_server"]

_TIMESTAMP = Check("timestamp", (Task.SIGN,))


def timestamp_server(host: Host, project: Project) -> Iterator[Finding]:
    """Check that the timestamp servers answer; this needs the network."""
    settings = [project.signing_for(profile) for profile in project.profiles]
    servers = {signing.timestamp_server for signing in settings if signing.mode != "off"}
    for url in sorted(servers - {""}):
        try:
            request = Request(url, method="HEAD")  # noqa: S310 - the model accepts only http(s)
            with urlopen(request, timeout=host.time_limit):  # noqa: S310 - the same request
                pass
        except HTTPError:
            pass  # The server answers; HEAD is not a timestamp request.
        except (OSError, ValueError) as error:
            yield _TIMESTAMP.error(
                f"{url} does not answer: {error}",
                remedy=Remedy(
                    "to sign without a timestamp: cargo make -e DRIVER_TIMESTAMP_URL= sign"
                ),
            )
            continue
        yield _TIMESTAMP.ok("the server answers", url)

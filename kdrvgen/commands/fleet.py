"""Generate or check many projects in one run, which an error in one of them does not end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kdrvgen.errors import KdrvgenError
from kdrvgen.report.finding import Place
from kdrvgen.report.reporter import Reporter

__all__ = ["run_all"]

_MOST_NAMED = 3
_CHANGED = {None: "written", "check": "", "diff": "would change", "dry-run": "would change"}


def run_all(
    configs: Sequence[str],
    mode: str | None,
    run: Callable[[Path, Reporter], bool],
    reporter: Reporter,
) -> int:
    """Call `run` for each configuration, also after it failed for one of them.

    Args:
        configs: The configurations.
        mode: `check`, `diff` or `dry-run`; None to write the files.
        run: Generates or checks one project. Returns whether anything changed, or would.
        reporter: Gets the findings, each group of the same ones once, and a summary.

    Returns:
        The exit code of the first project that failed, or 0.
    """
    activity = "checking" if mode == "check" else "generating"
    failed: list[str] = []
    codes: list[int] = []
    changed = 0
    with reporter.grouping():
        for number, config in enumerate(configs, 1):
            reporter.progress(f"{activity} {number}/{len(configs)} {config}")
            code = 0
            try:
                changed += run(Path(config), reporter)
            except KdrvgenError as error:
                code = error.exit_code
                failed.append(config)
                findings = [
                    finding if finding.place else finding._replace(place=Place(config))
                    for finding in error.findings
                ]
                reporter.findings(findings, omitted=error.omitted)
            codes.append(code)
        reporter.progress("")
    rows = [
        {"config": config, "exit-code": code} for config, code in zip(configs, codes, strict=True)
    ]
    reporter.summary("projects", rows, _summary(len(configs), changed, len(failed), mode))
    if failed:
        names = ", ".join(failed[:_MOST_NAMED])
        more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
        reporter.say(f"{len(failed)} of {len(configs)} projects failed: {names}{more}\n")
    return next(filter(None, codes), 0)


def _summary(total: int, changed: int, failed: int, mode: str | None) -> str:
    counts = {
        "failed": failed,
        _CHANGED[mode]: changed,
        "up to date": total - failed - changed,
    }
    parts = [f"{count} {state}" for state, count in counts.items() if state and count]
    return f"{total} projects: {', '.join(parts)}"

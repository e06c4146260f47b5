"""Makefile.toml as cargo-make reads it on Windows: tasks and variables, with what they extend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kdrvgen.adopt.parse.located import Origin, Said
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.snapshot import Document, Snapshot, beside, parse
from kdrvgen.report.finding import Finding

__all__ = ["MakeTask", "Makefile", "Variable", "read_makefile"]

# Keys by which a table under [env] is a variable's value and not a profile (cargo-make, types.rs).
_VALUE_KEYS = frozenset({"value", "script", "source", "unset", "path", "decode_strategy"})
_MEANINGLESS = frozenset(
    """skip_core_tasks default_to_workspace min_version reduce_output time_summary
    skip_git_env_info skip_rust_env_info skip_crate_env_info disable_install""".split()  # noqa: SIM905 - words
)
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of `[env]`: its value as written, and as text where that is plain."""

    name: str
    value: Any
    text: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class MakeTask:
    """A task.

    Attributes:
        name: What it is called.
        table: Its keys as they are written, those of tasks that it extends among them.
        keys: The keys that count on Windows.
        documents: For each key, the file that it stands in and where, for the lines of scripts.
        origin: Where it stands.
    """

    name: str
    table: Mapping[str, Any]
    keys: Mapping[str, Any]
    places: Mapping[str, tuple[Document, tuple[str, ...]]]
    origin: Origin

    def where(self, key: str) -> Origin:
        """Return where a key stands, or else the task."""
        found = self.places.get(key)
        return found[0].origin(found[1]) if found else self.origin

    def where_in(self, key: str, inner: str) -> Origin:
        """Return where a key of a table that is a key's value stands."""
        found = self.places.get(key)
        return found[0].origin((*found[1], inner)) if found else self.origin

    def strings(self, key: str) -> list[Said]:
        """Return a key's string or strings with their lines; those of several lines are parted."""
        if key not in self.places:
            return []
        document, path = self.places[key]
        value = document.get(path)
        if isinstance(value, list):
            return [line for index in range(len(value)) for line in document.lines((*path, index))]
        return document.lines(path)

    def names(self, key: str) -> list[str]:
        """Return the tasks that a key such as `dependencies` names."""
        value = self.keys.get(key)
        members = value if isinstance(value, list) else [value]
        found = [each.get("name") if isinstance(each, Mapping) else each for each in members]
        return [each for each in found if isinstance(each, str)]


@dataclass(frozen=True, slots=True)
class Makefile:
    """What Makefile.toml says, files that it extends included.

    Attributes:
        file: Its path, or that of the workspace's; None if there is none.
        env: Variables of `[env]` by name.
        profiles: Variables of `[env.PROFILE]` by profile and name.
        tasks: Tasks by name.
        wdk: Where it loads the makefile that comes with Microsoft's wdk-build, if it does.
        runs_in_root: Whether it is the workspace's, and its tasks run there instead of once for
            each member.
    """

    file: str | None = None
    env: Mapping[str, Variable] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Variable]] = field(default_factory=dict)
    tasks: Mapping[str, MakeTask] = field(default_factory=dict)
    wdk: Origin | None = None
    runs_in_root: bool = False

    def values(self, profile: str) -> dict[str, str]:
        """Return the variables of a profile whose value is plain text."""
        joined = {**self.env, **self.profiles.get(profile, {})}
        return {name: each.text for name, each in joined.items() if each.text is not None}


def read_makefile(snapshot: Snapshot) -> tuple[Makefile, list[Finding]]:
    """Read the makefile of the project, or else that of its workspace, which cargo-make takes then.

    Raises:
        ConfigError: A file is no TOML.
    """
    path = snapshot.find(*(f"{folder}Makefile.toml" for folder in snapshot.above()))
    if path is None:
        return Makefile(), []
    reader = _Reader(snapshot)
    reader.read(path, 0)
    reader.resolve()
    if path != "Makefile.toml":
        reader.findings.append(
            difference(
                Origin(path),
                "the workspace's makefile makes the driver",
                "kdrvgen writes a Makefile.toml into the driver's own folder; this one stays",
            )
        )
    config = parse(snapshot, path).table("config")
    is_for_all = config.get("default_to_workspace") is False
    return Makefile(
        path,
        reader.env,
        reader.profiles,
        reader.tasks,
        reader.wdk,
        runs_in_root=is_for_all and path != "Makefile.toml",
    ), reader.findings


class _Reader:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.env: dict[str, Variable] = {}
        self.profiles: dict[str, dict[str, Variable]] = {}
        self.tasks: dict[str, MakeTask] = {}
        self.wdk: Origin | None = None
        self.findings: list[Finding] = []

    def read(self, path: str, depth: int) -> None:
        document = parse(self.snapshot, path)
        for said in _extended(document):
            self._extend(document, said, depth)
        self._read_env(document)
        for name, task in document.table("tasks").items():
            if isinstance(task, Mapping):
                self._read_task(document, name, task)
        self._read_rest(document)

    def _extend(self, document: Document, said: Said, depth: int) -> None:
        other = beside(document.path, said.text)
        if "rust-driver" in said.text and other not in self.snapshot.files:
            self.wdk = said.origin
        elif other in self.snapshot.files and other.endswith(".toml") and depth < _DEEPEST:
            self.read(other, depth + 1)
        else:
            told = f"it extends {said.text}, which is not there or lies outside the project"
            self.findings.append(unknown(said.origin, told))

    def _read_env(self, document: Document) -> None:
        for name, value in document.table("env").items():
            if isinstance(value, Mapping) and not _VALUE_KEYS & value.keys():
                if name != name.lower():
                    self.findings.append(
                        hazard(
                            document.origin(("env", name)),
                            f"cargo-make lower-cases profiles, so that `{name}` is never met",
                            f"write it `{name.lower()}` under `[profiles]`",
                            cured=False,
                        )
                    )
                known = self.profiles.setdefault(name, {})
                known |= {
                    inner: _variable(document, ("env", name, inner), each)
                    for inner, each in value.items()
                }
            else:
                self.env[name] = _variable(document, ("env", name), value)

    def _read_task(self, document: Document, name: str, task: Mapping[str, Any]) -> None:
        path = ("tasks", name)
        before = self.tasks.get(name)
        is_cleared = task.get("clear") is True
        table = {**(before.table if before and not is_cleared else {}), **task}
        places = dict(before.places) if before and not is_cleared else {}
        keys = dict(before.keys) if before and not is_cleared else {}
        windows = task.get("windows")
        for where, part in ((path, task), ((*path, "windows"), windows)):
            if not isinstance(part, Mapping):
                continue
            if part.get("clear") is True:
                keys, places = {}, {}
            keys |= {key: value for key, value in part.items() if key != "windows"}
            places |= {key: (document, (*where, key)) for key in part if key != "windows"}
        self.tasks[name] = MakeTask(name, table, keys, places, document.origin(path))

    def resolve(self) -> None:
        """Give tasks that `extend` another what they take from it."""
        for name in list(self.tasks):
            chain = [self.tasks[name]]
            while len(chain) < _DEEPEST and isinstance(chain[-1].table.get("extend"), str):
                base = self.tasks.get(chain[-1].table["extend"])
                if base is None:
                    break
                chain.append(base)
            keys: dict[str, Any] = {}
            places: dict[str, tuple[Document, tuple[str, ...]]] = {}
            for task in reversed(chain):
                keys |= task.keys
                places |= task.places
            self.tasks[name] = replace(self.tasks[name], keys=keys, places=places)

    def _read_rest(self, document: Document) -> None:
        for key in document.table("config"):
            origin = document.origin(("config", key))
            if key == "load_script" and "wdk" in str(document.get(("config", key))):
                self.wdk = origin
            elif key not in _MEANINGLESS:
                told = f"`config.{key}` has no place in config.toml"
                self.findings.append(unknown(origin, told))
        for key in document.data:
            if key not in {"config", "env", "tasks", "extend"}:
                told = f"`{key}` has no place in config.toml"
                self.findings.append(unknown(document.origin((key,)), told))


def _extended(document: Document) -> Iterator[Said]:
    extend = document.data.get("extend")
    members = extend if isinstance(extend, list) else [extend]
    for index, member in enumerate(members):
        path = member.get("path") if isinstance(member, Mapping) else member
        if isinstance(path, str):
            where = ("extend", index) if isinstance(extend, list) else ("extend",)
            yield Said(path, document.origin(where))


def _variable(document: Document, path: tuple[str, ...], value: object) -> Variable:
    plain = value
    if isinstance(value, Mapping) and "value" in value and "script" not in value:
        plain = value["value"]
    text = None
    if isinstance(plain, bool):
        text = str(plain).lower()
    elif isinstance(plain, str | int):
        text = str(plain)
    return Variable(path[-1], value, text, document.origin(path))

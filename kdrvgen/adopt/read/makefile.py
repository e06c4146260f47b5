"""Makefile.toml as cargo-make reads it on Windows: tasks and variables, with what they extend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from kdrvgen.adopt.parse.located import Located, Origin
from kdrvgen.adopt.parse.paths import beside
from kdrvgen.adopt.parse.toml_values import TomlValue
from kdrvgen.adopt.parse.variables import Mapped
from kdrvgen.adopt.read.core_tasks import CORE_TASKS, WDK_COMMANDS, WORK_KEYS
from kdrvgen.adopt.read.document import Document, read_document
from kdrvgen.adopt.read.env_file import Variable, read_env_file
from kdrvgen.adopt.read.findings import difference, hazard, unknown
from kdrvgen.adopt.read.make_task import MakeTask
from kdrvgen.adopt.read.other_makefiles import name_finding, other_makefiles, unread_findings
from kdrvgen.adopt.read.snapshot import Snapshot
from kdrvgen.report.finding import Finding

__all__ = ["Makefile", "find_makefile", "read_makefile"]

# A table under [env] with one of these keys is a variable, else a profile (cargo-make, types.rs).
_VALUE_KEYS = frozenset({"value", "script", "source", "unset", "path", "decode_strategy"})
# Keys of [config] that do not change what a task does.
_NEUTRAL = frozenset(
    {
        *("skip_core_tasks", "default_to_workspace", "min_version", "reduce_output"),
        *("time_summary", "skip_git_env_info", "skip_rust_env_info", "skip_crate_env_info"),
        "disable_install",
    }
)
_NAME = "makefile.toml"
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Makefile:
    """What Makefile.toml contains, with the files that it extends.

    Attributes:
        file: Its path, or that of the workspace's; None if there is none.
        env: Variables of `[env]` by name.
        profiles: Variables of `[env.PROFILE]` by profile and name.
        tasks: Tasks by name.
        wdk: Where it loads the makefile of Microsoft's wdk-build, if it does.
        runs_in_root: Whether it belongs to the workspace, and its tasks run once in the root
            instead of once for each member.
        has_core_tasks: Whether cargo-make adds its own tasks, such as `build` and `clean`.
    """

    file: str | None = None
    env: Mapping[str, Variable] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Variable]] = field(default_factory=dict)
    tasks: Mapping[str, MakeTask] = field(default_factory=dict)
    wdk: Origin | None = None
    runs_in_root: bool = False
    has_core_tasks: bool = True

    def variables(self, profile: str) -> dict[str, Variable]:
        """Return the variables that apply in a profile."""
        return {**self.env, **self.profiles.get(profile, {})}

    def values(self, profile: str) -> dict[str, str | Mapped]:
        """Return the variables of a profile whose value is plain text, or depends on one."""
        variables = self.variables(profile)
        return {name: each.known for name, each in variables.items() if each.known is not None}

    def all_variables(self) -> Iterator[str]:
        """Yield the names of all variables, some of them more than once."""
        yield from self.env
        for profile in self.profiles.values():
            yield from profile


def read_makefile(snapshot: Snapshot) -> tuple[Makefile, list[Finding]]:
    """Read the makefile of the project, or else that of its workspace, as cargo-make does.

    Raises:
        ConfigError: A file is not valid TOML.
    """
    path = find_makefile(snapshot)
    if path is None:
        return Makefile(), list(unread_findings(snapshot, ()))
    reader = _Reader(snapshot)
    reader.read(path, 0)
    reader.add_core_tasks(read_document(snapshot, path))
    reader.resolve()
    reader.add_wdk_commands()
    reader.findings += unread_findings(snapshot, reader.paths)
    if "/" not in path and (finding := name_finding(path)):
        reader.findings.append(finding)
    if "/" in path:
        reader.findings.append(
            difference(
                Origin(path),
                "the workspace's Makefile.toml builds the driver",
                "kdrvgen writes a Makefile.toml into the driver's folder and keeps this one",
            )
        )
    config = read_document(snapshot, path).table("config")
    is_for_all = config.get("default_to_workspace") is False
    has_core = config.get("skip_core_tasks") is not True
    return Makefile(
        path,
        reader.env,
        reader.profiles,
        reader.tasks,
        reader.wdk,
        runs_in_root=is_for_all and "/" in path,
        has_core_tasks=has_core,
    ), reader.findings


def find_makefile(snapshot: Snapshot) -> str | None:
    """Return the path of the makefile, which Windows finds in upper and in lower case.

    Without one, it is the only file in the project's folder that has tasks.
    """
    names = {path.lower(): path for path in snapshot.files if path.lower().endswith(_NAME)}
    others = other_makefiles(snapshot)
    return next(
        (names[low] for folder in snapshot.above() if (low := f"{folder}{_NAME}") in names),
        others[0] if len(others) == 1 else None,
    )


class _Reader:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.env: dict[str, Variable] = {}
        self.profiles: dict[str, dict[str, Variable]] = {}
        self.tasks: dict[str, MakeTask] = {}
        self.wdk: Origin | None = None
        self.findings: list[Finding] = []
        self.paths: set[str] = set()

    def read(self, path: str, depth: int) -> None:
        self.paths.add(path)
        document = read_document(self.snapshot, path)
        for base in _extended_files(document):
            self._extend(document, base, depth)
        self._read_env_files(document)
        self._read_env(document)
        for name, task in document.table("tasks").items():
            if isinstance(task, Mapping):
                self._read_task(document, name, task)
        self._read_rest(document)

    def _extend(self, document: Document, base: Located, depth: int) -> None:
        path = beside(document.path, base.text)
        text = self.snapshot.files.get(path, "")
        if "rust-driver" in base.text and (not text or "wdk_build::" in text):
            self.wdk = base.origin
        elif path in self.snapshot.files and path.endswith(".toml") and depth < _MAX_DEPTH:
            self.read(path, depth + 1)
        else:
            message = f"`extend` names {base.text}, which is missing or outside the project"
            self.findings.append(unknown(base.origin, message))

    def _read_env_files(self, document: Document) -> None:
        """Add the variables of `env_files`, which cargo-make reads before `[env]`."""
        files = document.data.get("env_files")
        for index, file in enumerate(files if isinstance(files, list) else ()):
            table = file if isinstance(file, Mapping) else {"path": file}
            name, profile = str(table.get("path")), table.get("profile")
            origin = document.origin(("env_files", index))
            path = self.snapshot.find(beside(document.path, name), name)
            if path is None:
                message = f"`env_files` names {name}, which is missing or outside the project"
                self.findings.append(unknown(origin, message))
                continue
            own = (
                self.env if not isinstance(profile, str) else self.profiles.setdefault(profile, {})
            )
            own |= read_env_file(path, self.snapshot.files[path])

    def add_core_tasks(self, document: Document) -> None:
        """Give tasks with the names of cargo-make's own tasks the keys that they inherit."""
        if document.table("config").get("skip_core_tasks") is True:
            return
        for name, core in CORE_TASKS.items():
            task = self.tasks.get(name)
            if task and not WORK_KEYS & task.keys.keys() and task.table.get("clear") is not True:
                added = {key: value for key, value in core.items() if key not in task.keys}
                self.tasks[name] = replace(
                    task, table={**added, **task.table}, keys={**added, **task.keys}
                )

    def add_wdk_commands(self) -> None:
        """Give tasks that replace arguments of wdk-build's tasks the command that they inherit."""
        for name, inherited in WDK_COMMANDS.items() if self.wdk else ():
            task = self.tasks.get(name)
            if task and "args" in task.keys and not WORK_KEYS & task.keys.keys():
                self.tasks[name] = replace(task, keys={**inherited, **task.keys})

    def _read_env(self, document: Document) -> None:
        for name, value in document.table("env").items():
            if isinstance(value, Mapping) and not _VALUE_KEYS & value.keys():
                if name != name.lower():
                    self.findings.append(_never_selected(document.origin(("env", name)), name))
                profile = self.profiles.setdefault(name, {})
                profile |= {
                    inner: _variable(document, ("env", name, inner), member)
                    for inner, member in value.items()
                }
            else:
                self.env[name] = _variable(document, ("env", name), value)

    def _read_task(self, document: Document, name: str, task: Mapping[str, TomlValue]) -> None:
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
        """Give tasks that `extend` another one the keys that they inherit."""
        for name in list(self.tasks):
            chain = [self.tasks[name]]
            while len(chain) < _MAX_DEPTH and isinstance(chain[-1].table.get("extend"), str):
                base = self.tasks.get(chain[-1].table["extend"])
                if base is None:
                    break
                chain.append(base)
            keys: dict[str, TomlValue] = {}
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
            elif key not in _NEUTRAL:
                self.findings.append(unknown(origin, f"config.toml has no key for `config.{key}`"))
        for key in document.data:
            if key not in {"config", "env", "tasks", "extend", "env_files"}:
                message = f"config.toml has no key for `{key}`"
                self.findings.append(unknown(document.origin((key,)), message))


def _never_selected(origin: Origin, profile: str) -> Finding:
    return hazard(
        origin,
        f"cargo-make converts profile names to lower case and never selects `{profile}`",
        f"write it as `{profile.lower()}` under `[profiles]`",
        is_avoided=False,
    )


def _extended_files(document: Document) -> Iterator[Located]:
    extend = document.data.get("extend")
    members = extend if isinstance(extend, list) else [extend]
    for index, member in enumerate(members):
        path = member.get("path") if isinstance(member, Mapping) else member
        if isinstance(path, str):
            where = ("extend", index) if isinstance(extend, list) else ("extend",)
            yield Located(path, document.origin(where))


def _variable(document: Document, path: tuple[str, ...], value: TomlValue) -> Variable:
    plain = value
    if isinstance(value, Mapping) and "value" in value and "script" not in value:
        plain = value["value"]
    text = None
    if isinstance(plain, bool):
        text = str(plain).lower()
    elif isinstance(plain, str | int):
        text = str(plain)
    return Variable(path[-1], value, text, document.origin(path))

"""Of several settings with the same effect, adopt takes the one that counts in the project."""

from __future__ import annotations

import pytest

from kdrvgen.adopt.read.findings import HAZARD
from tests.adopt.support import adopted, messages

TRIPLE = "x86_64-pc-windows-msvc"


def flags(entry: str, between: str = " ") -> str:
    return between.join(("-Clink-arg=/DRIVER", f"-Clink-arg=/ENTRY:{entry}"))


LAYERS = {
    "Script": ("", f"script = ['set NAME={flags('Script')}', 'cargo build']"),
    "Task": ("", f"env = {{ NAME = '{flags('Task')}' }}"),
    "Profile": (f"[env.development]\nNAME = '{flags('Profile')}'\n", ""),
    "Env": (f"[env]\nNAME = '{flags('Env')}'\n", ""),
}


def makefile(layers: list[str], name: str = "RUSTFLAGS") -> str:
    tops, tasks = zip(*(LAYERS[layer] for layer in layers), strict=True)
    script = [] if "Script" in layers else ["script = ['cargo build']"]
    task = "\n".join(["[tasks.build-driver]", *filter(None, tasks), *script])
    text = f"{''.join(reversed(tops))}{task}\n"
    return text.replace("NAME", name)


@pytest.mark.parametrize("first", range(4))
def test_the_flags_nearest_to_the_command_count(first: int) -> None:
    layers = [*LAYERS][first:]

    adoption = adopted(makefile=makefile(layers))

    assert adoption.project.driver.entry_point == layers[0]
    hazards = [each for each in messages(adoption, HAZARD) if "RUSTFLAGS in the env" in each]
    assert len(hazards) == len(layers)


@pytest.mark.parametrize("layer", LAYERS)
def test_encoded_flags_count_before_plain_ones_wherever_they_are(layer: str) -> None:
    encoded = flags("Encoded", "\x1f").replace("\x1f", "\\u001f")
    top = f'[env]\nCARGO_ENCODED_RUSTFLAGS = "{encoded}"\n'
    plain = makefile([layer]).replace("[env]\n", "")

    assert adopted(makefile=top + plain).project.driver.entry_point == "Encoded"


def test_flags_that_make_no_driver_follow_those_of_the_configuration() -> None:
    adoption = adopted(makefile="[env]\nRUSTFLAGS = '-Cdebuginfo=2'\n[tasks.a]\ncommand = 'x'\n")

    assert adoption.project.linker.rustflags == ("-Cdebuginfo=2",)
    assert adoption.project.linker.args == ("/DRIVER",)


def test_flags_of_another_profile_are_reported_and_left_out() -> None:
    adoption = adopted(makefile=f"[env.production]\nRUSTFLAGS = '{flags('Other')}'\n")

    assert adoption.project.driver.entry_point != "Other"
    (hazard,) = [each for each in adoption.findings if "`production` only" in each.message]
    assert hazard.help.startswith("it is left out; set the flags that you need in `profiles.prod")


SERVICE = {
    "stop": "sc stop Seen",
    "delete": "sc delete Seen",
    "create": 'sc create Seen type= kernel binPath= "C:\\hello.sys"',
    "start": "sc start Seen",
}


@pytest.mark.parametrize(
    ("verbs", "role"),
    [
        ("create", "install"),
        ("create start", "start"),
        ("stop delete create start", "start"),
        ("stop delete create", "install"),
        ("stop delete", "uninstall"),
        ("delete", "uninstall"),
        ("stop", "stop"),
        ("start", "start"),
        ("start create", ""),
        ("create delete", ""),
        ("delete stop", ""),
        ("start stop", ""),
        ("create create", ""),
        ("create start stop", ""),
    ],
)
def test_the_verbs_of_sc_in_their_usual_order_are_a_service_task(verbs: str, role: str) -> None:
    lines = "\n".join(SERVICE[verb] for verb in verbs.split())
    service = f"[tasks.make]\nscript = '''\n{SERVICE['create']}\n'''\n"

    project = adopted(makefile=f"{service}[tasks.own]\nscript = '''\n{lines}\n'''\n").project

    assert project.deploy.service == "Seen"
    expected = {"dependencies": (role,)} if role else {"script": f"{lines}\n"}
    assert project.makefile.tasks["own"] == expected


def test_a_password_of_few_letters_is_an_ordinary_word_elsewhere() -> None:
    adoption = adopted(
        makefile="[tasks.a]\nscript = ['signtool sign /f a.pfx /p dev tool.exe', 'tar dev']\n"
        "[tasks.b]\ncommand = 'signtool'\nargs = ['/f', 'a.pfx', '/p', 'a', 'a.exe', 'a']\n"
    )

    tasks = adoption.project.makefile.tasks
    assert tasks["a"]["script"] == (
        "signtool sign /f a.pfx /p %PFX_PASSWORD% tool.exe",
        "tar dev",
    )
    assert tasks["b"]["args"] == ("/f", "a.pfx", "/p", "${PFX_PASSWORD}", "a.exe", "a")

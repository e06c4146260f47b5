"""Folders, files and subjects with characters that mean something to a shell, cmd, TOML or URL."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from cryptography import x509

from tests.pipeline.conftest import MakeProject
from tests.pipeline.support import CONFIG, X64, Project

pytestmark = pytest.mark.slow

ODD = 'my driver & "co" %PATH% ünï'
FOLDERS = [
    ODD,
    "it's $HOME ${HOME} $(touch pwned) `id` \\back",
    "-e #hash; [x] *.sys (1) ~ !",
    "Treiber ядро 驱动 \u00a0 é",
    "tab\tand {{ brace }} {% %} = ,",
    "tab\tx",
]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_project_folder_may_have_any_name(make_project: MakeProject, name: str) -> None:
    project = make_project(name=name)

    project.make("verify")
    project.make("--profile", "production", "verify")

    assert project.verifies()
    assert not list(project.folder.parent.rglob("pwned"))
    project.make("clean-driver")
    assert not project.sys.exists()


def test_a_driver_of_an_oddly_named_folder_loads(
    make_project: MakeProject, smoke: Callable[..., str]
) -> None:
    assert "was RUNNING" in smoke(make_project(name=ODD))


@pytest.mark.parametrize("name", [ODD, "it's $HOME `id` \\back"])
def test_the_home_folder_may_have_any_name(
    make_project: MakeProject, tmp_path: Path, name: str
) -> None:
    home = tmp_path / name
    home.mkdir()
    project = make_project(home=home)

    assert "certificate: created" in project.make("verify")

    assert project.identity.is_file()
    assert project.verifies()


@pytest.mark.parametrize(
    "name",
    [
        "a b & $c 'd' ${HOME} %PATH% ünï",
        "it`s (1); {x}, #y !",
        "$$ ${HOME} $HOME $1",
    ],
)
def test_image_subject_store_and_certificate_may_have_any_name(
    make_project: MakeProject, name: str
) -> None:
    config = {
        "driver": {"name": "hello", "output-name": name},
        "signing": {
            "timestamp-url": "",
            "subject": name,
            "store": name,
            "certificate-file": f"{name} folder/{name}.cer",
        },
    }
    project = make_project(tomli_w.dumps(config))

    project.make("verify")

    exported = project.folder / f"{name} folder" / f"{name}.cer"
    certificate = x509.load_der_x509_certificate(exported.read_bytes())
    assert [attribute.value for attribute in certificate.subject] == [name]
    project.cer.write_bytes(exported.read_bytes())
    image = project.output(f"{name}.sys")
    assert project.verifies(image)
    project.make("clean-driver")
    assert not image.exists()


@pytest.mark.parametrize(
    "subject", ['Müller & Söhne/O=Evil+CN=x\\y, "z"', "a=b", "#hash", "名前", "<a;b>"]
)
def test_a_subject_is_one_common_name_however_it_looks(
    make_project: MakeProject, new_user: Path, subject: str
) -> None:
    config = {
        "driver": {"name": "hello"},
        "signing": {"timestamp-url": "", "subject": subject},
    }
    project = make_project(tomli_w.dumps(config), home=new_user)

    project.make("certificate")

    exported = project.cer
    certificate = x509.load_der_x509_certificate(exported.read_bytes())
    assert [(each.oid.dotted_string, each.value) for each in certificate.subject] == [
        ("2.5.4.3", subject)
    ]


def test_an_absolute_target_directory_of_the_users_is_used(
    project: Project, tmp_path: Path
) -> None:
    elsewhere = tmp_path / 'a target & "dir"'

    project.make("verify", CARGO_TARGET_DIR=str(elsewhere))
    project.make("sign")
    project.make("verify", CARGO_TARGET_DIR=str(elsewhere))

    assert project.verifies(elsewhere / "driver/hello" / X64 / "development/hello.sys")
    assert project.verifies()


def test_a_relative_target_directory_of_the_users_is_used(project: Project) -> None:
    project.make("verify", CARGO_TARGET_DIR="../shared target")

    assert project.verifies(
        project.folder.parent / "shared target/driver/hello" / X64 / "development/hello.sys"
    )


def test_going_back_to_an_earlier_target_directory_verifies_that_one(
    project: Project, tmp_path: Path
) -> None:
    project.make("sign")
    project.make("sign", CARGO_TARGET_DIR=str(tmp_path / "other"))
    (tmp_path / "other/driver/hello" / X64 / "development/hello.sys").write_bytes(b"spoilt")

    output = project.make("verify")

    assert f"verify: {project.sys}" in output


def test_a_driver_with_a_hyphen_in_its_name_has_underscores_in_its_image(
    make_project: MakeProject,
) -> None:
    project = make_project(CONFIG.replace('"hello"', '"my-first-driver"'))
    project.edit("Cargo.toml", 'name = "hello"', 'name = "my-first-driver"')

    project.make("verify")

    assert project.verifies(project.output("my_first_driver.sys"))


def test_a_symbolic_link_to_the_project_is_as_good_as_its_folder(
    project: Project, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(project.folder)

    project.make("sign", cwd=link)
    project.make("verify")

    assert project.verifies()

"""The crate `kernel` in a project: its exports and imports, and builds outside of the kernel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bootstrap.conftest import TRIPLES, NewProject
from tests.bootstrap.kernel import Kernel
from tests.pipeline.image import Image
from tests.pipeline.support import REPOSITORY, need, run

pytestmark = pytest.mark.slow

GNU = "x86_64-pc-windows-gnu"
TREE = REPOSITORY / "kdrvgen/kernel/tree"
# A frame of more than a page, and the operators of floating point.
_LARGE = """
    let large = core::hint::black_box([1_u8; 9000]);
    log!("{}", large.iter().map(|byte| u64::from(*byte)).sum::<u64>());
"""
_REMAINDER = 'log!("{}", core::hint::black_box(7.5_f64) % core::hint::black_box(2.0));\n'
_TEST = """
#[cfg(test)]
mod host_tests {
    #[test]
    fn a_line_of_the_log_is_discarded() {
        kernel::log!("{}", 1);
    }

    #[test]
    #[should_panic(expected = "`PsGetCurrentProcessId` is a function of the Windows kernel")]
    fn a_function_of_the_kernel_panics() {
        let _ = kernel::process::current_id();
    }
}
"""


@pytest.mark.parametrize(
    "template", ["minimal", "device", "process", "worker", "filter", "workspace"]
)
def test_the_tests_of_a_new_project_pass_on_the_host(
    new_project: NewProject, template: str
) -> None:
    project = new_project(template, "allocator=yes")
    folder = project.folder / ("drivers/first" if template == "workspace" else "")
    with (folder / "src/lib.rs").open("a", encoding="utf-8") as file:
        file.write(_TEST)

    command = ["cargo", "test", "--offline", "--lib"]
    done = run(command, folder, project.env | {"RUSTFLAGS": "-Dwarnings"})

    assert done.returncode == 0, done.stdout
    assert "host_tests::a_function_of_the_kernel_panics - should panic ... ok" in done.stdout


def test_the_tests_of_a_new_project_pass_on_windows(
    new_project: NewProject, kernel: Kernel
) -> None:
    project = new_project("device")
    with (project.folder / "src/lib.rs").open("a", encoding="utf-8") as file:
        file.write(_TEST)

    argv = ["cargo", "test", "--offline", "--lib", "--no-run", f"--target={GNU}"]
    done = run(argv, project.folder, project.env | kernel.compiler(GNU))
    assert done.returncode == 0, done.stdout
    (program,) = (project.target / GNU / "debug/deps").glob("hello-*.exe")
    done = kernel.run(program)

    assert done.returncode == 0, done.stdout
    assert "test result: ok. 3 passed" in done.stdout


def test_only_the_entry_point_is_exported_and_only_kernel_functions_are_imported(
    new_project: NewProject,
) -> None:
    project = new_project("minimal")
    project.edit("src/lib.rs", "    Ok(())\n", f"{_LARGE}    Ok(())\n")
    is_x86 = '#[cfg(not(target_arch = "x86"))]\n    '
    project.edit("src/lib.rs", "    Ok(())\n", f"    {is_x86}{_REMAINDER}    Ok(())\n")

    project.make("sign-all")

    for triple in TRIPLES:
        image = Image.read(project.output(target=triple))
        assert list(image.exports()) == ["driver_entry"]
        assert image.entry == image.exports()["driver_entry"]
        (module, names) = image.imports().popitem()
        assert module == "ntoskrnl.exe"
        assert ("__chkstk" in names) == triple.startswith("x86_64")
        assert not {"fmod", "fmodf", "_fltused", "__CxxFrameHandler3"} & names


@pytest.mark.parametrize("feature", ["avx", "avx512f"])
def test_a_driver_with_avx_does_not_compile(tmp_path: Path, feature: str) -> None:
    shutil.copytree(TREE / "src", tmp_path, dirs_exist_ok=True)
    options = ("--crate-type=rlib", "--emit=metadata", f"--target={TRIPLES[0]}", "-Cpanic=abort")

    argv = ["rustc", "--edition=2021", *options, f"-Ctarget-feature=+{feature}", "lib.rs"]
    done = run(argv, tmp_path)

    assert done.returncode != 0
    assert "the driver would be compiled with AVX instructions" in done.stdout


def test_the_crate_is_formatted_by_rustfmt(tmp_path: Path) -> None:
    need("rustfmt")
    # Its own rustfmt.toml is for the projects: no setting of theirs changes a file.
    shutil.copytree(TREE / "src", tmp_path / "src")
    config = "style_edition=2021,max_width=100"

    done = run(["rustfmt", "--check", "--edition=2021", "--config", config, "src/lib.rs"], tmp_path)

    assert done.returncode == 0, done.stdout

"""No spelling of a password in a project's files reaches config.toml, the output or a message."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import kdrvgen
from kdrvgen.adopt.read.findings import HAZARD
from kdrvgen.report.human import draw
from tests.adopt.support import adopted, messages

SECRET = "hunter2horse"
COMMANDS = """\
set PFX_PASS=*
SET "PFX_PASS=*"
set PFX_PASS=a b *
set PFX_PASS="a *"
@set KEY_PASS_PHRASE= *
(set CERT_PW=*)
if not defined PIN set PIN=*
setx PFX_PASS * /m
export API_TOKEN='*'
PFX_PASS=* osslsigncode sign tool.exe
$env:PFX_PASS = "*"
${env:PFX_PASS}='*'
$password="*"
powershell -c "$env:PFX_PASS='*'; ./sign"
[Environment]::SetEnvironmentVariable("PFX_PASS", "*")
Set-Item -Path env:PFX_PASS -Value *
New-Item env:PFX_PASS -Value "*"
Set-Variable -Name password -Value "*"
ConvertTo-SecureString * -AsPlainText -Force
ConvertTo-SecureString -AsPlainText -Force -String "*"
ConvertTo-SecureString -AsPlainText:$true -String:'*'
ConvertTo-SecureString("*")
$p = "*" | ConvertTo-SecureString -AsPlainText -Force
Export-PfxCertificate -Password (ConvertTo-SecureString '*' -AsPlainText -Force)
New-Object System.Net.NetworkCredential("", "*")
New-Object PSCredential("a", '*')
[System.Net.NetworkCredential]::new("", "*")
[securestring]::new("*")
smctl credentials save * *
for %%p in (*) do signtool sign /f a.pfx /p %%p tool.exe
for %p in ("*") do signtool sign /f a.pfx -pass %p tool.exe
openssl pkcs12 -in a -passin pass:*
openssl pkcs12 -password pass:* -passout "pass:* x"
openssl enc -k *
AzureSignTool sign -kvs * a.exe
azuresigntool sign -kva "*" a.exe
azuresigntool sign --azure-key-vault-client-secret=* a.exe
jsign --storepass * a.exe
jsign --storepass=* --keypass '*' a.exe
keytool -importkeystore -srcstorepass * -deststorepass *
signtool sign /f a.pfx /p * tool.exe
signtool sign /f a.pfx /P "*" tool.exe
signtool sign /f a.pfx -p:* tool.exe
signtool sign /f a.pfx "/p" "*" tool.exe
signtool sign /f a.pfx "/p:*" tool.exe
signtool sign /f a.pfx /p "a & *" tool.exe
signtool sign /f a.pfx /p p^&* tool.exe
signtool sign /f a.pfx /p *%A% tool.exe
signtool sign /f a.pfx /p %A%* tool.exe
signtool sign /f a.pfx /p a"*"b tool.exe
%ST% sign /f a.pfx /p * tool.exe
st.exe sign /f a.p12 /p * tool.exe
powershell -c "signtool sign /f a.pfx /p '*' tool.exe; exit"
certutil -f -p "*" -importpfx a.pfx
pvk2pfx -pvk a -pi * -po *
makecert -sv a.pvk -pw * a.cer
osslsigncode sign -pkcs12 a.pfx -pass * -in a
call :sign a.pfx *
call tools\\sign.cmd a.pfx *
sshpass -p * scp a b
sshpass -p'*' scp a b
pscp -pw * a b:
psexec \\\\vm -u me -p * cmd
winrs -r:vm -u:me -p:* dir
docker login -u a -p * host
echo *| docker login --password-stdin
echo * | cargo login
cargo login *
cargo publish -p client --token *
schtasks /create /ru me /rp *
vmrun -gu me -gp * x
nuget push a -k *
ssh-keygen -N "*"
7z a -p* a.7z
rar a -hp* a
zip -P * a
mysql -p* x
curl -u me:* https://host
curl --proxy-user=a:* x
curl -H "Authorization: Bearer *" x
curl -H "X-Api-Key: *" x
curl https://me:*@host/
wget --http-password=* x
net use z: \\\\vm\\c * /user:x
net use z: \\\\vm\\c /user:x *
net user me * /add
cmdkey /add:vm /user:x /pass:*
wmic /user:y /password:* x
msbuild /p:CertificatePassword="*" x
msbuild -property:PfxPassword=*
tool /pin * --secret=* -Secret:* -PfxPassword * /token:*
tool -DPASSWORD=* password= *
rem password: *
echo ${PFX_PASS:*}
""".splitlines()
CONTEXTS: dict[str, Callable[[str], str]] = {
    "lines": lambda script: f"[tasks.client]\nscript = '''\n{script}\n'''\n",
    "escapes": lambda script: f"[tasks.client]\nscript = {json.dumps(script)}\n",
    "array": lambda script: f"[tasks.client]\nscript = {json.dumps(script.splitlines())}\n",
    "table": lambda script: f"[tasks.client]\nscript = {{ main = {json.dumps(script)} }}\n",
    "windows": lambda script: f"[tasks.client.windows]\nscript = {json.dumps(script)}\n",
    "argument": lambda script: "".join(
        f"[tasks.a{number}]\ncommand = 'cmd'\nargs = ['/c', {json.dumps(line)}]\n"
        for number, line in enumerate(script.splitlines())
    ),
    "replaced task": lambda script: (
        f"[tasks.sign]\nscript = {json.dumps(['signtool sign /n A hello.sys', script])}\n"
    ),
    "variable": lambda script: f"[env]\nX = {json.dumps(script)}\n[tasks.a]\nscript = ['%X%']\n",
}


def numbered(commands: list[str]) -> str:
    """Return a script in which each password is another one."""
    parts = "\n".join(commands).split("*")
    return parts[0] + "".join(f"{SECRET}{at}{part}" for at, part in enumerate(parts[1:]))


def visible(**files: str) -> str:
    """Return everything that a user sees of an adoption, or of the error about it."""
    try:
        adoption = adopted(**files)
    except kdrvgen.ConfigError as error:
        return draw(error.findings) + repr(error.findings)
    return f"{adoption.text}{adoption.annotated}{adoption.findings}{adoption.steps}"


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_spelling_of_a_password_is_shown(context: str) -> None:
    out = visible(makefile=CONTEXTS[context](numbered(COMMANDS)))

    assert "PFX_PASSWORD" in out
    assert [line for line in out.splitlines() if SECRET in line] == []


@pytest.mark.one_in(8)
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("damage", ["\nx = = 1\n", " x"])
def test_no_password_is_shown_beside_a_syntax_error(context: str, damage: str) -> None:
    for command in COMMANDS:
        out = visible(makefile=CONTEXTS[context](command.replace("*", SECRET)).rstrip() + damage)
        assert "Makefile.toml" in out
        assert SECRET not in out, command


@pytest.mark.parametrize(
    "name", ["tools.cmd", "tools.bat", "tools.ps1", "tools.sh", "justfile", ".justfile"]
)
def test_no_password_of_a_script_is_shown(name: str) -> None:
    script = f"  signtool sign /n A hello.sys\n{numbered(COMMANDS)}\n"
    call = f"[tasks.all]\nscript = ['call {name}', 'login {SECRET}0']\n"

    out = visible(makefile=call if name.startswith("tools") else "", **{name: script})

    assert 'subject = "A"' in out
    assert [line for line in out.splitlines() if SECRET in line] == []


@pytest.mark.parametrize(
    ("files", "rest"),
    [
        ({"makefile": f"[env]\nPFX_PASS = '{SECRET}'\n[tasks.a]\nscript = ['login *']\n"}, "login"),
        ({"makefile": f"[env.production]\nMY_PIN = '{SECRET}'\n"}, "[driver]"),
        ({"a.env": f'PFX_PASS="{SECRET}"\n', "makefile": "env_files = ['a.env']\n"}, "[driver]"),
        (
            {"makefile": f"[env]\nTOOL = 'signtool sign /f a.pfx /p:{SECRET} hello.sys'\n"
             "[tasks.sign]\nscript = ['%TOOL%']\n"},
            "[driver]",
        ),
        (
            {"makefile": '[tasks.a]\nscript = """\nset "PFX_PASS=\\\n   ' + SECRET + '"\n"""\n'},
            "%PFX_PASSWORD%",
        ),
        (
            {"makefile": "[tasks.a]\ncommand = 'signtool'\n"
             f"args = ['/f', 'a.pfx', '/p', '{SECRET}']\n"},
            '"${PFX_PASSWORD}"',
        ),
        (
            {"makefile": f"[tasks.a]\ncommand = 'jsign'\nargs = ['--storepass={SECRET}', 'b']\n"},
            '["--storepass=${PFX_PASSWORD}", "b"]',
        ),
        (
            {"makefile": f"[tasks.a]\ncommand = 'x'\nargs = ['/pin', 'a & {SECRET}', 3]\n"},
            '["/pin", "${PFX_PASSWORD}", 3]',
        ),
    ],
)  # fmt: skip
def test_no_password_of_another_part_is_shown(files: dict[str, str], rest: str) -> None:
    out = visible(**{name: text.replace("*", SECRET) for name, text in files.items()})

    assert SECRET not in out
    assert rest in out


@pytest.mark.parametrize(
    "command",
    [
        "mkdir -p out && signtool sign /n A tool.exe",
        "docker run -p 80:80 image",
        "msbuild /p:Configuration=Release x.sln",
        "cargo build -p client",
        "cargo run -p pfx-tool -- sign -x",
        "makers -p production sign",
        "docker login --password-stdin host",
        "tool --password-file secret.txt --token-url https://host",
        "Start-Process -PassThru notepad",
        "set /p PFX_PASS=",
        'if "%PFX_PASS%"=="" exit 1',
        "set PFX_PASS=%OTHER%",
        "signtool sign /f a.pfx /p %PFX% tool.exe",
        "signtool sign /f a.pfx /p $env:PFX tool.exe",
        "signtool sign /f a.pfx /p !PFX! tool.exe",
        "signtool sign /f %1 /p %2 tool.exe",
        "osslsigncode sign -pass $(cat pw) -in tool.exe",
        "openssl pkcs12 -passin env:PFX -passout file:pw.txt",
        "jsign --storepass env:PFX a.exe",
        "ConvertTo-SecureString $env:PFX -AsPlainText -Force",
        "curl -u me:%PFX% https://host",
        "call sign.cmd a.pfx out\\tool.exe",
        "net use z: /delete",
        "rem password: %PFX%",
        "echo ${PFX_PASS}",
        "sshpass -e scp a b",
        "signtool sign /kc {{target}} target.exe",
        "x ${{ github.target }} target",
        "for /f \"tokens=*\" %%a in ('git log') do echo %%a",
        'for /f "tokens=1,2 delims==" %%a in (a.txt) do echo %%a',
        "$password = Get-Password -Prompt me",
        "$password = [Convert]::ToString($bytes)",
        'Write-Host "PASSWORD = $Env:PFX_PASSWORD"',
        'curl -H "Authorization: Bearer $env:GITHUB_TOKEN" x',
        'set "API_KEY_NAME=importer"',
        "git config persist-credentials: false",
        "echo ${API_TOKEN:-}",
    ],
)
def test_a_command_without_a_password_is_copied_as_it_is(command: str) -> None:
    adoption = adopted(makefile=f"[tasks.client]\nscript = '''\n{command}\n'''\n")

    assert adoption.project.makefile.tasks["client"]["script"] == f"{command}\n"
    assert not [each for each in messages(adoption, HAZARD) if "password" in each]


@pytest.mark.parametrize(
    "command",
    [
        "set PFX_PASS=*",
        'set "PFX_PASS=*"',
        "(set PFX_PASS=*)",
        "if not defined PIN (set PIN=*) & next",
        "openssl pkcs12 -passin pass:* -in a",
        'signtool sign /f a.pfx /p "*" tool.exe',
        "jsign --storepass=* a.exe",
        "curl -u me:* https://host",
        "signtool sign /csp P /kc [R{{*}}]=key tool.exe",
        "echo *| docker login --password-stdin",
        "tool /password:* x",
    ],
)
def test_only_the_password_of_a_command_is_replaced(command: str) -> None:
    script = command.replace("*", SECRET)

    adoption = adopted(makefile=f"[tasks.a]\nscript = '''\n{script}\n'''\n")

    expected = command.replace("*", "%PFX_PASSWORD%")
    assert adoption.project.makefile.tasks["a"]["script"] == f"{expected}\n"


def test_a_password_in_a_called_script_keeps_its_quotes() -> None:
    adoption = adopted(
        makefile="[tasks.sign]\nscript = ['call all.cmd']\n",
        **{"all.cmd": 'signtool sign /n A hello.sys\ntool "a & b" c\n'},
    )

    assert adoption.project.makefile.tasks["sign-after"]["script"] == 'tool "a & b" c\n'


def test_a_word_that_the_readme_has_beside_password_is_an_ordinary_word() -> None:
    files = {"README.md": "Password: secretword\n"}

    adoption = adopted(makefile="[tasks.a]\nscript = ['x secretword']\n", **files)

    assert adoption.project.makefile.tasks["a"]["script"] == ("x secretword",)


@pytest.mark.parametrize("password", ["password", "plain", "driver"])
def test_a_password_that_is_a_word_does_not_hide_the_words_of_a_message(password: str) -> None:
    sign = f"signtool sign /fd SHA256 /f a.pfx /p {password} hello.sys"
    adoption = adopted(makefile=f"[tasks.sign]\nscript = ['{sign}']\n")

    assert "a password in plain text" in str(messages(adoption, HAZARD))
    assert "***" not in str(messages(adoption, HAZARD))

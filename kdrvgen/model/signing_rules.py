"""Rules of `[signing]`: one certificate, one key, and a tool that reaches both."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.model.problems import Blame, Problem
from kdrvgen.model.signing import Signing

__all__ = ["signing_rules"]

# What each key names. Two of them would be two certificates, or two keys.
_NAMES = {
    "thumbprint": "a certificate in a store",
    "pfx": "one in a file",
    "csp": "one whose key a provider holds",
    "dlib": "one that a library signs with",
    "public-certificate": "one in a file without its key",
}
_EXCLUSIVE = (
    ("thumbprint", "pfx"),
    ("thumbprint", "csp"),
    ("thumbprint", "public-certificate"),
    ("pfx", "csp"),
    ("pfx", "dlib"),
    ("pfx", "public-certificate"),
    ("csp", "dlib"),
)

# A key, those of which it needs one, and why. Source: Microsoft Learn, SignTool, options of `sign`.
_NEEDS = (
    ("pfx-password-env", ("pfx",), "there is no `pfx` that this password would open"),
    ("csp", ("key-container", "key-container-env"), "the provider has to be told which key"),
    ("csp", ("public-certificate",), "the certificate of the provider's key comes from a file"),
    ("key-container", ("csp",), "there is no provider that would have this key"),
    ("key-container-env", ("csp",), "there is no provider that would have this key"),
    ("dmdf", ("dlib",), "there is no library that would read this file"),
    ("public-certificate", ("csp", "dlib"), "a certificate without its key signs nothing"),
)


def signing_rules(signing: Signing, blame: Blame) -> Iterator[Problem]:
    """Yield what does not fit together in the table, as it stands or as a profile changes it."""
    yield from _certificate_is_one(signing, blame)
    yield from _keys_are_complete(signing, blame)
    yield from _tool_fits(signing, blame)


def _value(signing: Signing, key: str) -> str:
    value: str = getattr(signing, key.replace("-", "_"))
    return value


def _certificate_is_one(signing: Signing, blame: Blame) -> Iterator[Problem]:
    for key, other in _EXCLUSIVE:
        if _value(signing, key) and _value(signing, other):
            yield Problem(
                blame(key),
                f"`{key}` chooses {_NAMES[key]}, `{other}` {_NAMES[other]}; both are given",
                hint="keep one of them",
                also=(blame(other),),
            )
    if signing.key_container and signing.key_container_env:
        yield Problem(
            blame("key-container"),
            "`key-container` and `key-container-env` both name the key",
            hint="keep the former, or the latter where a PIN is part of the name",
            also=(blame("key-container-env"),),
        )
    if signing.mode == "test":
        for key in _NAMES:
            if _value(signing, key):
                yield Problem(
                    blame(key),
                    f'`mode = "test"` makes its own certificate and does not look at `{key}`',
                    hint='set `mode = "certificate"`',
                    also=(blame("mode"),),
                )


def _keys_are_complete(signing: Signing, blame: Blame) -> Iterator[Problem]:
    for key, others, reason in _NEEDS:
        if _value(signing, key) and not any(_value(signing, other) for other in others):
            listed = " or ".join(f"`{other}`" for other in others)
            yield Problem(
                blame(key),
                reason,
                hint=f"add {listed}, or leave `{key}` out",
                also=tuple(blame(other) for other in others),
            )


def _tool_fits(signing: Signing, blame: Blame) -> Iterator[Problem]:
    if signing.tool != "osslsigncode":
        return
    if signing.mode == "certificate" and not signing.pfx:
        yield Problem(
            blame("tool"),
            "osslsigncode reads no certificate store of Windows, and asks no provider for a key",
            hint='name the certificate by `pfx`, or set `tool = "signtool"`',
            also=(blame("mode"),),
        )
    if signing.signtool:
        yield Problem(
            blame("signtool"),
            'this program is not run with `tool = "osslsigncode"`',
            hint="leave `signtool` out",
            also=(blame("tool"),),
        )

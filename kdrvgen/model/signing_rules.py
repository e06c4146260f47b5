"""Rules of `[signing]`: one certificate, one key, and a tool that can use both."""

from __future__ import annotations

from collections.abc import Iterator

from kdrvgen.model.problems import Blame, Problem
from kdrvgen.model.signing import Signing

__all__ = ["signing_rules"]

# The certificate that each key selects. Two of them would be two certificates, or two keys.
_NAMES = {
    "thumbprint": "a certificate in a store",
    "pfx": "a certificate in a file",
    "csp": "a certificate whose key is in a provider",
    "dlib": "a certificate of a signing library",
    "public-certificate": "a certificate in a file without its key",
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

# A key, the keys of which it needs one, and why. Source: Microsoft Learn, SignTool, `sign` options.
_NEEDS = (
    ("pfx-password-env", ("pfx",), "this password is for a `pfx`"),
    ("csp", ("key-container", "key-container-env"), "the provider needs the name of the key"),
    ("csp", ("public-certificate",), "the certificate for the provider's key comes from a file"),
    ("key-container", ("csp",), "the key is in a provider"),
    ("key-container-env", ("csp",), "the key is in a provider"),
    ("dmdf", ("dlib",), "only a library reads this file"),
    ("public-certificate", ("csp", "dlib"), "a certificate without its key cannot sign"),
)


def signing_rules(signing: Signing, blame: Blame) -> Iterator[Problem]:
    """Yield the broken rules of the table, on its own or with the changes of a profile."""
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
                f"`{key}` selects {_NAMES[key]}, but `{other}` selects {_NAMES[other]}",
                hint="keep one of them",
                also=(blame(other),),
            )
    if signing.key_container and signing.key_container_env:
        yield Problem(
            blame("key-container"),
            "`key-container` and `key-container-env` both name the key",
            hint="keep `key-container`, or `key-container-env` if a PIN is part of the name",
            also=(blame("key-container-env"),),
        )
    if signing.mode == "test":
        for key in _NAMES:
            if _value(signing, key):
                yield Problem(
                    blame(key),
                    f'`mode = "test"` makes its own certificate and ignores `{key}`',
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
                hint=f"add {listed}, or remove `{key}`",
                also=tuple(blame(other) for other in others),
            )


def _tool_fits(signing: Signing, blame: Blame) -> Iterator[Problem]:
    if signing.tool != "osslsigncode":
        return
    if signing.mode == "certificate" and not signing.pfx:
        yield Problem(
            blame("tool"),
            "osslsigncode can use neither a Windows certificate store nor a provider",
            hint='set `pfx` to the certificate file, or set `tool = "signtool"`',
            also=(blame("mode"),),
        )
    if signing.signtool:
        yield Problem(
            blame("signtool"),
            '`tool = "osslsigncode"` does not run this program',
            hint="remove `signtool`",
            also=(blame("tool"),),
        )

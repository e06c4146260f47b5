"""Reads the certificate stores of Windows with its library crypt32.

Source: Microsoft Learn, "CertOpenStore".
"""

from __future__ import annotations

import sys

__all__ = ["certificates_of_store"]

if sys.platform == "win32":
    import ctypes
    from ctypes import POINTER, Structure, c_char, c_char_p, c_void_p, c_wchar_p, wintypes

    _PROVIDER_SYSTEM = c_char_p(10)  # CERT_STORE_PROV_SYSTEM_W: a number in place of a pointer
    _CURRENT_USER, _LOCAL_MACHINE = 1 << 16, 2 << 16
    _EXISTING, _READ_ONLY = 0x4000, 0x8000

    class _Context(Structure):
        _fields_ = (
            ("encoding", wintypes.DWORD),
            ("encoded", POINTER(c_char)),
            ("length", wintypes.DWORD),
            ("info", c_void_p),
            ("store", c_void_p),
        )

    def certificates_of_store(name: str, *, machine: bool) -> list[bytes]:
        """Return the certificates of a store in DER; none if the store does not exist."""
        library = ctypes.WinDLL("crypt32")
        library.CertOpenStore.restype = c_void_p
        library.CertOpenStore.argtypes = (
            *(c_char_p, wintypes.DWORD, c_void_p, wintypes.DWORD),
            c_wchar_p,
        )
        enumerate_next = library.CertEnumCertificatesInStore
        enumerate_next.restype = POINTER(_Context)
        enumerate_next.argtypes = (c_void_p, POINTER(_Context))
        library.CertCloseStore.argtypes = (c_void_p, wintypes.DWORD)
        place = _LOCAL_MACHINE if machine else _CURRENT_USER
        store = library.CertOpenStore(
            _PROVIDER_SYSTEM, 0, None, place | _EXISTING | _READ_ONLY, name
        )
        if not store:
            return []
        certificates = []
        context = enumerate_next(store, None)
        while context:
            certificates.append(context.contents.encoded[: context.contents.length])
            context = enumerate_next(store, context)  # frees the previous one
        library.CertCloseStore(store, 0)
        return certificates

else:

    def certificates_of_store(name: str, *, machine: bool) -> list[bytes]:
        """Return no certificates: only Windows has stores."""
        del name, machine
        return []

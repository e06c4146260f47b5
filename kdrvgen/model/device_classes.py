"""The device setup classes of Windows with their GUIDs, and the groups of minifilters."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLASS_GUIDS", "FILTER_GROUPS", "RESERVED_CLASSES", "FilterGroup"]


class FilterGroup(NamedTuple):
    """A load order group of minifilters.

    Attributes:
        lowest: The lowest altitude of the group.
        highest: The highest altitude of the group, without its fraction.
        device_class: The class for its drivers; "" if it has none.
    """

    lowest: int
    highest: int
    device_class: str


# Microsoft Learn, "Load Order Groups and Altitudes for Minifilter Drivers" and "File System Filter
# Driver Classes and Class GUIDs".
FILTER_GROUPS = {
    "Filter": FilterGroup(420000, 429999, ""),
    "FSFilter Top": FilterGroup(400000, 409999, ""),
    "FSFilter Activity Monitor": FilterGroup(360000, 389999, "ActivityMonitor"),
    "FSFilter Undelete": FilterGroup(340000, 349999, "Undelete"),
    "FSFilter Anti-Virus": FilterGroup(320000, 329999, "AntiVirus"),
    "FSFilter Replication": FilterGroup(300000, 309999, "Replication"),
    "FSFilter Continuous Backup": FilterGroup(280000, 289999, "ContinuousBackup"),
    "FSFilter Content Screener": FilterGroup(260000, 269999, "ContentScreener"),
    "FSFilter Quota Management": FilterGroup(240000, 249999, "QuotaManagement"),
    "FSFilter System Recovery": FilterGroup(220000, 229999, ""),
    "FSFilter Cluster File System": FilterGroup(200000, 209999, "CFSMetaDataServer"),
    "FSFilter HSM": FilterGroup(180000, 189999, "HSM"),
    "FSFilter Imaging": FilterGroup(170000, 175000, ""),
    "FSFilter Compression": FilterGroup(160000, 169999, "Compression"),
    "FSFilter Encryption": FilterGroup(140000, 149999, "Encryption"),
    "FSFilter Virtualization": FilterGroup(130000, 139999, ""),
    "FSFilter Physical Quota Management": FilterGroup(120000, 129999, "PhysicalQuotaManagement"),
    "FSFilter Open File": FilterGroup(100000, 109999, "OpenFileBackup"),
    "FSFilter Security Enhancer": FilterGroup(80000, 89999, "SecurityEnhancer"),
    "FSFilter Copy Protection": FilterGroup(60000, 69999, "CopyProtection"),
    "FSFilter Bottom": FilterGroup(40000, 49999, ""),
}
"""The groups by their names in the registry, the highest first, without those of Windows itself."""

# Microsoft Learn, "System-Defined Device Setup Classes Available to Vendors"; some newer classes
# are from Microsoft's samples.
CLASS_GUIDS = {
    "1394": "{6bdd1fc1-810f-11d0-bec7-08002be2092f}",
    "61883": "{7ebefbc0-3200-11d2-b4c2-00a0c9697d07}",
    "ActivityMonitor": "{b86dff51-a31e-4bac-b3cf-e8cfe75c9fc2}",
    "AntiVirus": "{b1d1a169-c54f-4379-81db-bee7d88d7454}",
    "AudioProcessingObject": "{5989fce8-9cd0-467d-8a6a-5419e31529d4}",
    "AVC": "{c06ff265-ae09-48f0-812c-16753d7cba83}",
    "Battery": "{72631e54-78a4-11d0-bcf7-00aa00b7b32a}",
    "Biometric": "{53d29ef7-377c-4d14-864b-eb3a85769359}",
    "Bluetooth": "{e0cbf06c-cd8b-4647-bb8a-263b43f0f974}",
    "Camera": "{ca3e7ab9-b4c3-4ae6-8251-579ef933890f}",
    "CDROM": "{4d36e965-e325-11ce-bfc1-08002be10318}",
    "CFSMetaDataServer": "{cdcf0939-b75b-4630-bf76-80f7ba655884}",
    "Compression": "{f3586baf-b5aa-49b5-8d6c-0569284c639f}",
    "ContentScreener": "{3e3f0674-c83c-4558-bb26-9820e1eba5c5}",
    "ContinuousBackup": "{71aa14f8-6fad-4622-ad77-92bb9d7e6947}",
    "CopyProtection": "{89786ff1-9c12-402f-9c9e-17753c7f4375}",
    "DiskDrive": "{4d36e967-e325-11ce-bfc1-08002be10318}",
    "Display": "{4d36e968-e325-11ce-bfc1-08002be10318}",
    "Dot4": "{48721b56-6795-11d2-b1a8-0080c72e74a2}",
    "Dot4Print": "{49ce6ac8-6f86-11d2-b1e5-0080c72e74a2}",
    "Encryption": "{a0a701c0-a511-42ff-aa6c-06dc0395576f}",
    "Extension": "{e2f84ce7-8efa-411c-aa69-97454ca4cb57}",
    "FDC": "{4d36e969-e325-11ce-bfc1-08002be10318}",
    "FloppyDisk": "{4d36e980-e325-11ce-bfc1-08002be10318}",
    "GPS": "{6bdd1fc3-810f-11d0-bec7-08002be2092f}",
    "HDC": "{4d36e96a-e325-11ce-bfc1-08002be10318}",
    "HIDClass": "{745a17a0-74d3-11d0-b6fe-00a0c90f57da}",
    "HSM": "{d546500a-2aeb-45f6-9482-f4b1799c3177}",
    "Image": "{6bdd1fc6-810f-11d0-bec7-08002be2092f}",
    "Infrared": "{6bdd1fc5-810f-11d0-bec7-08002be2092f}",
    "Keyboard": "{4d36e96b-e325-11ce-bfc1-08002be10318}",
    "Media": "{4d36e96c-e325-11ce-bfc1-08002be10318}",
    "MediumChanger": "{ce5939ae-ebde-11d0-b181-0000f8753ec4}",
    "Modem": "{4d36e96d-e325-11ce-bfc1-08002be10318}",
    "Monitor": "{4d36e96e-e325-11ce-bfc1-08002be10318}",
    "Mouse": "{4d36e96f-e325-11ce-bfc1-08002be10318}",
    "MTD": "{4d36e970-e325-11ce-bfc1-08002be10318}",
    "Multifunction": "{4d36e971-e325-11ce-bfc1-08002be10318}",
    "MultiportSerial": "{50906cb8-ba12-11d1-bf5d-0000f805f530}",
    "Net": "{4d36e972-e325-11ce-bfc1-08002be10318}",
    "NetClient": "{4d36e973-e325-11ce-bfc1-08002be10318}",
    "NetService": "{4d36e974-e325-11ce-bfc1-08002be10318}",
    "NetTrans": "{4d36e975-e325-11ce-bfc1-08002be10318}",
    "NvmeDisk": "{75416e63-5912-4dfa-ae8f-3efaccaffb14}",
    "OpenFileBackup": "{f8ecafa6-66d1-41a5-899b-66585d7216b7}",
    "PCMCIA": "{4d36e977-e325-11ce-bfc1-08002be10318}",
    "PhysicalQuotaManagement": "{6a0a8e78-bba6-4fc4-a709-1e33cd09d67e}",
    "PNPPrinters": "{4658ee7e-f050-11d1-b6bd-00c04fa372a7}",
    "Ports": "{4d36e978-e325-11ce-bfc1-08002be10318}",
    "Printer": "{4d36e979-e325-11ce-bfc1-08002be10318}",
    "Processor": "{50127dc3-0f36-415e-a6cc-4cb3be910b65}",
    "QuotaManagement": "{8503c911-a6c7-4919-8f79-5028f5866b0c}",
    "Replication": "{48d3ebc4-4cf8-48ff-b869-9c68ad42eb9f}",
    "SBP2": "{d48179be-ec20-11d1-b6b8-00c04fa372a7}",
    "SCSIAdapter": "{4d36e97b-e325-11ce-bfc1-08002be10318}",
    "SDHost": "{a0a588a4-c46f-4b37-b7ea-c82fe89870c6}",
    "SecurityAccelerator": "{268c95a1-edfe-11d3-95c3-0010dc4050a5}",
    "SecurityDevices": "{d94ee5d8-d189-4994-83d2-f68d7d41b0e6}",
    "SecurityEnhancer": "{d02bc3da-0c8e-4945-9bd5-f1883c226c8c}",
    "Sensor": "{5175d334-c371-4806-b3ba-71fd53c9258d}",
    "SmartCardReader": "{50dd5230-ba8a-11d1-bf5d-0000f805f530}",
    "SoftwareComponent": "{5c4c3332-344d-483c-8739-259e934c9cc8}",
    "System": "{4d36e97d-e325-11ce-bfc1-08002be10318}",
    "TapeDrive": "{6d807884-7d21-11cf-801c-08002be10318}",
    "UCM": "{e6f1aa1c-7f3b-4473-b2e8-c97d8ac71d53}",
    "Undelete": "{fe8f1572-c67a-48c0-bbac-0b5c6d66cafb}",
    "USB": "{36fc9e60-c465-11cf-8056-444553540000}",
    "USBDevice": "{88bae032-5a81-49f0-bc3d-a4ff138216d6}",
    "USBFunctionController": "{bbbe8734-08fa-4966-b6a6-4e5ad010cdd7}",
    "Volume": "{71a27cdd-812a-11d0-bec7-08002be2092f}",
    "WCEUSBS": "{25dbce51-6c8f-4a72-8a6d-b54c2b4fc835}",
    "WFPCallouts": "{57465043-616c-6c6f-7574-5f636c617373}",
    "WPD": "{eec5ad98-8080-425f-922a-dabf3de3f69a}",
}
"""The GUID of each class, in lower case."""

RESERVED_CLASSES = frozenset({"sample", "unknown"})
"""The classes, in lower case, that InfVerif accepts from Microsoft only."""

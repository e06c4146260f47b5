"""The functions that newer kernels export, and the first Windows that has them.

Source: Microsoft Learn, the reference of the Windows driver kit, "Minimum supported client" of each
function of NtosKrnl.exe.
"""

from __future__ import annotations

__all__ = ["FIRST_BUILDS", "NAMES"]

NAMES = {
    9200: "Windows 8",
    9600: "Windows 8.1",
    10240: "Windows 10",
    14393: "Windows 10 version 1607",
    15063: "Windows 10 version 1703",
    16299: "Windows 10 version 1709",
    17134: "Windows 10 version 1803",
    18362: "Windows 10 version 1903",
    19041: "Windows 10 version 2004",
    22621: "Windows 11 version 22H2",
}
"""The builds, and their names."""

_ADDED = {
    9200: """
        CcCopyReadEx CcCopyWriteEx CcScheduleReadAheadEx CcSetAdditionalCacheAttributesEx
        CmCallbackGetKeyObjectIDEx CmCallbackReleaseKeyObjectIDEx
        ExGetFirmwareEnvironmentVariable ExSetFirmwareEnvironmentVariable
        FsRtlCheckLockForOplockRequest FsRtlGetSectorSizeInformation FsRtlGetSupportedFeatures
        FsRtlIsSystemPagingFile FsRtlMdlReadEx FsRtlMdlWriteCompleteDev FsRtlPrepareToReuseEcp
        FsRtlQueryCachedVdl IoClearActivityIdThread IoCreateStreamFileObjectEx2
        IoCreateSystemThread IoDecrementKeepAliveCount IoGetActivityIdIrp IoGetActivityIdThread
        IoGetDeviceInterfacePropertyData IoIncrementKeepAliveCount IoIsValidIrpStatus
        IoPropagateActivityIdToThread IoRegisterBootDriverCallback IoReportInterruptActive
        IoReportInterruptInactive IoReportRootDevice IoSetActivityIdIrp IoSetActivityIdThread
        IoSetDeviceInterfacePropertyData IoSetMasterIrpStatus IoTransferActivityId
        IoUnregisterBootDriverCallback KeQuerySystemTimePrecise MmAllocateContiguousNodeMemory
        MmAllocateMdlForIoSpace MmAllocateNodePagesForMdlEx MmIsDriverSuspectForVerifier
        NtFlushBuffersFileEx NtPowerInformation PoFxActivateComponent
        PoFxCompleteDevicePowerNotRequired PoFxCompleteIdleCondition PoFxCompleteIdleState
        PoFxIdleComponent PoFxNotifySurprisePowerOn PoFxPowerControl PoFxRegisterDevice
        PoFxReportDevicePoweredOn PoFxSetComponentLatency PoFxSetComponentResidency
        PoFxSetComponentWake PoFxSetDeviceIdleTimeout PoFxStartDevicePowerManagement
        PoFxUnregisterDevice PsIsDiskCountersEnabled PsUpdateDiskCounters RtlDecompressBufferEx
        ZwFlushBuffersFileEx ZwPowerInformation
    """,
    9600: """
        FsRtlCheckUpperOplock FsRtlUpperOplockFsctrl IoQueryFullDriverPath
        KeQueryInterruptTimePrecise
    """,
    10240: """
        IoAllocateIrpEx KeDeregisterBoundCallback KeRegisterBoundCallback MmMapIoSpaceEx
        PoFxIssueComponentPerfStateChange PoFxIssueComponentPerfStateChangeMultiple
        PoFxQueryCurrentComponentPerfState PoFxRegisterComponentPerfStates
        PsSetCreateThreadNotifyRoutineEx RtlDecompressBufferEx2 RtlDecompressFragmentEx
        SeEtwWriteKMCveEvent
    """,
    14393: """
        IoGetSiloParameters
    """,
    15063: """
        NtQueryInformationByName PsSetCreateProcessNotifyRoutineEx2
    """,
    16299: """
        ExIsSoftBoot IoRemoveLinkShareAccess IoUpdateLinkShareAccess MmMapMdl
        NtQueryDirectoryFileEx PoFxSetTargetDripsDevicePowerState PsGetParentSilo
        PsGetServerSiloActiveConsoleId PsSetLoadImageNotifyRoutineEx RtlExtendCorrelationVector
        RtlIncrementCorrelationVector RtlInitializeCorrelationVector RtlIsStateSeparationEnabled
        RtlValidateCorrelationVector SeTokenGetNoChildProcessRestricted
        SeTokenIsNoChildProcessRestrictionEnforced SeTokenSetNoChildProcessRestricted
    """,
    17134: """
        ClfsCreateMarshallingAreaEx IoGetDeviceDirectory IoGetDriverDirectory
        IoGetIommuInterface IoOpenDriverRegistryKey KeAddTriageDumpDataBlock
        KeInitializeTriageDumpDataArray NtCreateSectionEx RtlGetPersistedStateLocation
        RtlRaiseCustomSystemEventTrigger
    """,
    18362: """
        IoRemoveLinkShareAccessEx IoUpdateLinkShareAccessEx
    """,
    19041: """
        ExAllocatePool2 ExAllocatePool3 RtlUTF8StringToUnicodeString
    """,
    22621: """
        NtCopyFileChunk
    """,
}

FIRST_BUILDS = {name: build for build, names in _ADDED.items() for name in names.split()}
"""The build of the first Windows with a function."""

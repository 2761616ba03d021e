"""Every reason of Slurm 22.05 that a waiting session can have is a sentence a student can use.

The names are those in Slurm's own library (`strings libslurmfull.so`) and, with spaces, those
that slurmctld writes itself.
"""

import pytest

from hub_config.pages import translate
from spawners.reasons import OTHER, why

# A telling part of the sentence -> Slurm's reasons.
TABLE = {
    "acaba de recibir": ["None", "", "(None)"],
    "antes que el tuyo": ["Priority", "(Priority)"],
    "están ocupadas": ["Resources"],
    "volvió a poner": ["BeginTime"],
    "preparando la máquina": ["Cleaning", "Prolog", "BlockFreeAction"],
    "en mantenimiento": ["ReqNodeNotAvail, Reserved for maintenance"],
    "fuera de servicio o apartadas": [
        "ReqNodeNotAvail",
        "ReqNodeNotAvail, UnavailableNodes:gpu[01-04]",
        "ReqNodeNotAvail, May be reserved for other job",
        "NodeDown",
        "FrontEndDown",
        "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority "
        "partitions",
        "PowerNotAvail",
        "PowerReserved",
    ],
    "reserva de tu curso": ["Reservation", "ReservationDeleted", "Reservation clase was deleted"],
    "detuvo por ahora": ["PartitionDown", "PartitionInactive"],
    "menos horas o una máquina más pequeña": [
        "PartitionTimeLimit PartitionNodeLimit QOSTimeLimit AssociationTimeLimit BadConstraints",
        "MaxMemPerLimit OutOfMemory DeadLine",
        "QOSMaxCpuPerJobLimit QOSMaxCpuMinutesPerJobLimit QOSMaxNodePerJobLimit",
        "QOSMaxWallDurationPerJobLimit QOSMinCpuNotSatisfied AssocMaxWallDurationPerJobLimit",
        "AssocMaxCpuPerJobLimit AssocMaxCpuMinutesPerJobLimit AssocMaxNodePerJobLimit",
        "AssocMaxUnknownPerJob AssocMaxUnknownPerNode AssocMaxUnknownMinutesPerJob",
        "AssocMaxCpuPerNode AssocMaxMemPerJob AssocMaxMemPerNode AssocMaxMemMinutesPerJob",
        "AssocMaxNodeMinutesPerJob AssocMaxEnergyPerJob AssocMaxEnergyPerNode",
        "AssocMaxEnergyMinutesPerJob AssocMaxGRESPerJob AssocMaxGRESPerNode",
        "AssocMaxGRESMinutesPerJob AssocMaxLicensePerJob AssocMaxLicenseMinutesPerJob",
        "AssocMaxBBPerJob AssocMaxBBPerNode AssocMaxBBMinutesPerJob AssocMaxBillingPerJob",
        "AssocMaxBillingPerNode AssocMaxBillingMinutesPerJob QOSMaxUnknownPerJob",
        "QOSMaxUnknownPerNode QOSMaxUnknownMinutesPerJob QOSMinUnknown QOSMaxCpuPerNode",
        "QOSMaxMemoryPerJob QOSMaxMemoryPerNode QOSMaxMemoryMinutesPerJob QOSMinMemory",
        "QOSMaxNodeMinutesPerJob QOSMinNode QOSMaxEnergyPerJob QOSMaxEnergyPerNode",
        "QOSMaxEnergyMinutesPerJob QOSMinEnergy QOSMaxGRESPerJob QOSMaxGRESPerNode",
        "QOSMaxGRESMinutesPerJob QOSMinGRES QOSMaxLicensePerJob QOSMaxLicenseMinutesPerJob",
        "QOSMinLicense QOSMaxBBPerJob QOSMaxBBPerNode QOSMinBB QOSMaxBillingPerJob",
        "QOSMaxBillingPerNode QOSMaxBillingMinutesPerJob QOSMinBilling",
    ],
    "cada persona": [
        "QOSMaxCpuPerUserLimit QOSMaxJobsPerUserLimit QOSMaxNodePerUserLimit",
        "QOSMaxSubmitJobPerUserLimit QOSMaxUnknownPerUser QOSMaxMemoryPerUser",
        "QOSMaxEnergyPerUser QOSMaxGRESPerUser QOSMaxLicensePerUser QOSMaxBBPerUser",
        "QOSMaxBillingPerUser AssocMaxJobsLimit AssocMaxSubmitJobLimit QOSJobLimit",
        "AssociationJobLimit",
    ],
    "tiempo de cómputo": [
        "QOSGrpCPUMinutesLimit QOSGrpWallLimit AssocGrpCPUMinutesLimit AssocGrpWallLimit",
        "AssocGrpUnknownMinutes AssocGrpMemMinutes AssocGrpNodeMinutes AssocGrpEnergyMinutes",
        "AssocGrpGRESMinutes AssocGrpLicenseMinutes AssocGrpBBMinutes AssocGrpBillingMinutes",
        "QOSGrpUnknownMinutes QOSGrpMemoryMinutes QOSGrpNodeMinutes QOSGrpEnergyMinutes",
        "QOSGrpGRESMinutes QOSGrpLicenseMinutes QOSGrpBBMinutes QOSGrpBillingMinutes",
        "QOSUsageThreshold",
    ],
    "todas las máquinas que le corresponden": [
        "QOSGrpCpuLimit QOSGrpCPURunMinutesLimit QOSGrpJobsLimit QOSGrpMemLimit QOSGrpNodeLimit",
        "QOSGrpSubmitJobsLimit AssocGrpCpuLimit AssocGrpCPURunMinutesLimit AssocGrpJobsLimit",
        "AssocGrpMemLimit AssocGrpNodeLimit AssocGrpSubmitJobsLimit AssocGrpUnknown",
        "AssocGrpUnknownRunMinutes AssocGrpMemRunMinutes AssocGrpNodeRunMinutes AssocGrpEnergy",
        "AssocGrpEnergyRunMinutes AssocGrpGRES AssocGrpGRESRunMinutes AssocGrpLicense",
        "AssocGrpLicenseRunMinutes AssocGrpBB AssocGrpBBRunMinutes AssocGrpBilling",
        "AssocGrpBillingRunMinutes QOSGrpUnknown QOSGrpUnknownRunMinutes QOSGrpMemoryRunMinutes",
        "QOSGrpNodeRunMinutes QOSGrpEnergy QOSGrpEnergyRunMinutes QOSGrpGRES",
        "QOSGrpGRESRunMinutes QOSGrpLicense QOSGrpLicenseRunMinutes QOSGrpBB QOSGrpBBRunMinutes",
        "QOSGrpBilling QOSGrpBillingRunMinutes QOSResourceLimit AssociationResourceLimit",
        "MaxBBPerAccount MaxCpuPerAccount MaxEnergyPerAccount MaxGRESPerAccount",
        "MaxNodePerAccount MaxLicensePerAccount MaxMemoryPerAccount MaxUnknownPerAccount",
        "MaxJobsPerAccount MaxSubmitJobsPerAccount MaxBillingPerAccount",
    ],
    "no está habilitada": [
        "InvalidAccount InvalidQOS QOSNotAllowed AccountNotAllowed AccountingPolicy",
        "PartitionConfig",
    ],
    "retuvo tu pedido": [
        "JobHeldAdmin JobHeldUser JobHoldMaxRequeue JobLaunchFailure SystemFailure",
        "launch failed requeued held",
        "launch_failure_limit_exceeded_requeued_held",
        "job requeued in held state",
    ],
    "una condición propia": [
        "Dependency DependencyNeverSatisfied Licenses SchedDefer FedJobLock JobArrayTaskLimit",
        "BurstBufferResources BurstBufferStageIn BurstBufferOperation",
    ],
}


def reasons():
    """Each reason with its telling part; words that are one name each stand in one string."""
    for part, entries in TABLE.items():
        for entry in entries:
            names = entry.split() if all(w[:1].isupper() for w in entry.split()) else [entry]
            if entry.startswith(("ReqNode", "Nodes required", "Reservation ")):
                names = [entry]
            yield from ((name, part) for name in names or [""])


@pytest.mark.parametrize(("reason", "part"), list(reasons()))
def test_a_reason_is_the_right_sentence_in_both_languages(reason, part):
    message = why(reason)
    assert part in message.text
    english = translate(message.text, "en")
    assert english != message.text, "not translated"


def test_a_reason_that_nobody_knows_is_still_a_sentence():
    assert why("SomethingNewInSlurm99") is OTHER

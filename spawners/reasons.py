"""Why a session waits: Slurm's reasons in words that a student understands.

The names are those of squeue's column REASON,
https://slurm.schedmd.com/job_reason_codes.html
"""

import re

from .messages import Message

# The first pattern that matches the beginning of Slurm's reason counts.
REASONS: list[tuple[str, Message]] = [
    (r"(None|)$", Message("El planificador acaba de recibir tu pedido.")),
    (r"Priority", Message("Hay pedidos antes que el tuyo. Conservas tu lugar.")),
    (
        r"Resources",
        Message(
            "Todas las máquinas como la que pediste están ocupadas; sigues tú cuando una se "
            "desocupe."
        ),
    ),
    (
        r"(BeginTime|Cleaning|Prolog|Configuring|NodeBoot)",
        Message("La sede está preparando la máquina."),
    ),
    (
        r"ReqNodeNotAvail.*[Mm]aintenance|Maintenance",
        Message("La sede está en mantenimiento. Tu sesión empezará cuando termine."),
    ),
    (
        r"(ReqNodeNotAvail|NodeDown|NodesDown|PartitionNodeLimit_down|FedJobLock|"
        r"Nodes required for job are DOWN|Reserved for jobs)",
        Message(
            "Las máquinas que pediste están fuera de servicio o apartadas por ahora. Puedes "
            "esperar o elegir otra sede."
        ),
    ),
    (
        r"(Reservation$|ReservationDeleted|InvalidReservation)",
        Message("La reserva de tu curso no está activa en este momento."),
    ),
    (
        r"(PartitionDown|PartitionInactive)",
        Message("La sede detuvo por ahora las sesiones nuevas. Puedes esperar o elegir otra sede."),
    ),
    (
        r"(QOS|Assoc)Max.*|.*PerUser.*|.*MaxJobs.*|.*MaxSubmit.*|QOSJobLimit|AssociationJobLimit",
        Message(
            "Ya usas todo lo que la sede permite a cada persona. Empezará cuando termine otra "
            "de tus sesiones."
        ),
    ),
    (
        r"(QOSGrp|AssocGrp|QOSResourceLimit|AssociationResourceLimit|QOSUsageThreshold|"
        r"AccountingPolicy)",
        Message(
            "Tu curso o tu institución ya usa todas las máquinas que le corresponden. "
            "Empezará cuando se desocupe una."
        ),
    ),
    (
        r"(PartitionTimeLimit|PartitionNodeLimit|QOSTimeLimit|AssociationTimeLimit|QOSMin|"
        r"BadConstraints|QOSNotAllowed|MaxMemPerLimit|MaxMemoryPerNode)",
        Message(
            "Así como la pediste, tu sesión no puede empezar en esta sede. Cancela y elige "
            "menos horas o una máquina más pequeña."
        ),
    ),
    (
        r"(InvalidAccount|InvalidQOS|AccountNotAllowed|PartitionConfig|Invalid)",
        Message(
            "Tu cuenta no está habilitada para esto en la sede. Cancela y avisa a tu instructor."
        ),
    ),
    (
        r"(JobHeld|JobHoldMaxRequeue|launch failed requeued held|SchedDefer|JobArrayTaskLimit)",
        Message("Quien administra la sede retuvo tu pedido. Si no avanza, avisa a tu instructor."),
    ),
    (
        r"(Dependency|DependencyNeverSatisfied|Licenses|BurstBuffer|FrontEndDown|PowerNotAvail|"
        r"PowerReserved|NotBefore|DeadLine)",
        Message("La sede espera una condición propia para empezar tu sesión."),
    ),
]
OTHER = Message("La sede todavía no puede empezar tu sesión.")


def why(reason: str) -> Message:
    """Return the sentence for one of Slurm's reasons of a job that waits."""
    for pattern, message in REASONS:
        if re.match(pattern, reason.strip().strip("()")):
            return message
    return OTHER

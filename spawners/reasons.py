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
        r"BeginTime",
        Message("La sede volvió a poner tu pedido en la cola; empieza en unos minutos."),
    ),
    (
        r"(Cleaning|Prolog|Configuring|NodeBoot|BlockFreeAction)",
        Message("La sede está preparando la máquina."),
    ),
    (
        r"(ReqNodeNotAvail.*[Mm]aintenance|Maintenance)",
        Message("La sede está en mantenimiento. Tu sesión empezará cuando termine."),
    ),
    (
        r"(ReqNodeNotAvail|NodeDown|FrontEndDown|Nodes required for job are DOWN|PowerNotAvail|"
        r"PowerReserved)",
        Message(
            "Las máquinas que pediste están fuera de servicio o apartadas por ahora. Puedes "
            "esperar o elegir otra sede."
        ),
    ),
    (
        r"(Reservation$|Reservation .* was deleted|ReservationDeleted|InvalidReservation)",
        Message("La reserva de tu curso no está activa en este momento."),
    ),
    (
        r"(PartitionDown|PartitionInactive)",
        Message("La sede detuvo por ahora las sesiones nuevas. Puedes esperar o elegir otra sede."),
    ),
    # More than one session may ever have: waiting does not help.
    (
        r"((QOS|Assoc)Max.*(PerJob|PerNode)|(QOS|Assoc)MaxWall|QOSMin|PartitionTimeLimit|"
        r"PartitionNodeLimit|QOSTimeLimit|AssociationTimeLimit|BadConstraints|MaxMemPerLimit|"
        r"OutOfMemory|DeadLine)",
        Message(
            "Así como la pediste, tu sesión no puede empezar en esta sede. Cancela y elige "
            "menos horas o una máquina más pequeña."
        ),
    ),
    (
        r"((QOS|Assoc)Max|QOSJobLimit|AssociationJobLimit)",
        Message(
            "Ya usas todo lo que la sede permite a cada persona. Empezará cuando termine otra "
            "de tus sesiones."
        ),
    ),
    # Minutes are a budget for a period, a person's or their course's; with «safe» a session that
    # would not fit into what is left waits too. *RunMinutes are held only by what runs now.
    (
        r"((QOS|Assoc)Grp.*(?<!Run)Minutes|(QOS|Assoc)GrpWall|QOSUsageThreshold)",
        Message(
            "A ti o a tu curso no les queda tiempo de cómputo para esta sesión. Cancela y elige "
            "menos horas, una máquina sin GPU u otra sede, o avisa a tu instructor."
        ),
    ),
    (
        r"((QOS|Assoc)Grp|QOSResourceLimit|AssociationResourceLimit|Max\w+PerAccount)",
        Message(
            "Tu curso o tu institución ya usa todas las máquinas que le corresponden. "
            "Empezará cuando se desocupe una."
        ),
    ),
    (
        r"(InvalidAccount|InvalidQOS|QOSNotAllowed|AccountNotAllowed|AccountingPolicy|"
        r"PartitionConfig|Invalid)",
        Message(
            "Tu cuenta no está habilitada para esto en la sede. Cancela y avisa a tu instructor."
        ),
    ),
    (
        r"(JobHeld|JobHoldMaxRequeue|launch[ _]fail.* ?held|job requeued in held state|"
        r"JobLaunchFailure|SystemFailure)",
        Message("Quien administra la sede retuvo tu pedido. Si no avanza, avisa a tu instructor."),
    ),
    (
        r"(Dependency|Licenses|BurstBuffer|SchedDefer|FedJobLock|JobArrayTaskLimit)",
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

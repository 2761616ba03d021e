"""How a session ended, in words that a student understands."""

from .messages import Message

# Slurm's last state of a job -> what its student reads.
ENDINGS = {
    "CANCELLED": Message("Tu sesión fue cancelada en la sede {site}."),
    "TIMEOUT": Message("Tu sesión llegó a su límite de tiempo en la sede {site}."),
    "OUT_OF_MEMORY": Message(
        "Tu sesión necesitó más memoria de la que pediste en la sede {site}. Elige una máquina "
        "con más memoria."
    ),
    "NODE_FAIL": Message("El equipo donde estaba tu sesión falló en la sede {site}."),
    "PREEMPTED": Message("La sede {site} necesitó el equipo para un trabajo con prioridad."),
    "DEADLINE": Message("El plazo de tu sesión venció en la sede {site}."),
    "BOOT_FAIL": Message("El equipo elegido no arrancó en la sede {site}."),
    "FAILED": Message(
        "Tu sesión terminó apenas empezó en la sede {site}. Puede faltar espacio en tu carpeta "
        "o estar dañado tu entorno."
    ),
}
ENDED = Message("Tu sesión terminó antes de estar lista en la sede {site}.")
TRY_AGAIN = Message("{what} Puedes volver a intentarlo; si se repite, avisa a tu instructor.")

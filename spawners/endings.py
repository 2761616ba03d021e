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
# The same for a session that had been running: what its student reads afterwards.
AFTER = {
    "TIMEOUT": Message("Tu sesión llegó a su límite de tiempo en la sede {site}."),
    "OUT_OF_MEMORY": Message(
        "Tu sesión usó más memoria de la que pediste en la sede {site}, y el planificador la "
        "terminó. Elige una máquina con más memoria, o trabaja con menos datos a la vez."
    ),
    "NODE_FAIL": ENDINGS["NODE_FAIL"],
    "PREEMPTED": ENDINGS["PREEMPTED"],
    "DEADLINE": ENDINGS["DEADLINE"],
    "BOOT_FAIL": ENDINGS["BOOT_FAIL"],
    "CANCELLED": Message(
        "Tu sesión fue cancelada en la sede {site}, no desde Minga: por quien administra la sede, "
        "o con scancel."
    ),
    "COMPLETED": Message("Cerraste tu sesión desde JupyterLab."),
    "FAILED": Message(
        "El programa de tu sesión terminó con un error en la sede {site}. Puede faltar espacio en "
        "tu carpeta."
    ),
}
STOPPED = Message("Tu sesión se detuvo desde Minga.")
UNEXPLAINED = Message(
    "Tu sesión terminó en la sede {site}; el planificador ya no recuerda por qué."
)
ENDED = Message("Tu sesión terminó antes de estar lista en la sede {site}.")
TRY_AGAIN = Message("{what} Puedes volver a intentarlo; si se repite, avisa a tu instructor.")
